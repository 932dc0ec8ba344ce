// What a user does in VS Code and sees there, over a page of the browser.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Locator, Page } from "playwright-core";

/** Things fade in; only pictures wait for that. */
const FADE_MS = 500;

export class Editor {
  constructor(
    readonly page: Page,
    private readonly url: (file: string) => string,
    /** The folder of pictures; without one, none is taken. */
    private readonly shots: string | undefined,
  ) {}

  /** Opens a file alone; the first one opens the window. */
  async open(file: string): Promise<void> {
    if (!this.page.url().startsWith("http")) {
      await this.page.goto(this.url(file));
      return;
    }
    await this.command("File: Save All");
    await this.command("View: Close All Editors");
    await this.press("Control+P");
    await this.type(file);
    await (await this.see(row(file.split("/").at(-1) ?? file))).click();
    await this.see(`.tab.active:has-text("${file.split("/").at(-1) ?? file}")`);
  }

  /** Waits until something can be seen. */
  async see(selector: string): Promise<Locator> {
    const found = this.page.locator(selector).first();
    await found.waitFor();
    return found;
  }

  async gone(selector: string): Promise<void> {
    await this.page.locator(selector).first().waitFor({ state: "hidden" });
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: 15 });
  }

  /** Puts the cursor at the end of the first editor's text. */
  async atEnd(): Promise<void> {
    await this.page.click(".editor-instance .view-lines");
    await this.press("Control+End");
  }

  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.see(".quick-input-widget:not(.hidden) input");
    await this.type(title);
    await (await this.see(row(title.split(": ")[1] ?? title))).click();
  }

  async clickLens(text: string): Promise<void> {
    await this.page.click(`${lens(text)} >> text=${text}`);
  }

  /** Takes a picture for people to look at, once everything has faded in. No step depends on it. */
  async shot(name: string): Promise<void> {
    if (this.shots === undefined) return;
    await this.page.waitForTimeout(FADE_MS);
    await this.picture(this.shots, name);
  }

  /** Takes a picture of a step that failed. */
  async picture(folder: string, name: string): Promise<void> {
    fs.mkdirSync(folder, { recursive: true });
    const problem = await this.page.screenshot({ path: path.join(folder, `${name}.png`) }).then(() => undefined, String);
    if (problem !== undefined) console.log(`      no picture \`${name}\`: ${problem.slice(0, 200)}`);
  }

  async texts(selector: string): Promise<string[]> {
    return await this.page.locator(selector).allInnerTexts();
  }
}

/** The lens with a text. */
export function lens(text: string): string {
  return `.codelens-decoration:has-text("${text}")`;
}

/** A row of the list that is offered. */
export function row(text: string): string {
  return `.quick-input-list .monaco-list-row:has-text("${text}")`;
}

/** A row of the completions. */
export function suggestion(text: string): string {
  return `.suggest-widget.visible .monaco-list-row:has-text("${text}")`;
}

export function line(text: string): string {
  return `.view-line:has-text(${JSON.stringify(text)})`;
}

export function toast(text: string): string {
  return `.notification-toast:has-text("${text}")`;
}

export function status(text: string): string {
  return `.statusbar-item:has-text("${text}")`;
}
