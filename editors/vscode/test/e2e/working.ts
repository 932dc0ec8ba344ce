// A template author at work, with nothing but the packaged extension: the program is inside it, and PATH is empty.

import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Frame, Page } from "playwright-core";

import { lens, line, row, status, suggestion, toast, type Editor } from "./editor";
import type { Steps } from "./session";

/** The editor beside the first one. */
const BESIDE = ".split-view-view:nth-child(2) .editor-instance";

export const WORKING: Steps = {
  async "a mistyped placeholder is underlined"(editor) {
    await editor.open("templates/skillset.py.tera");
    await editor.see(".monaco-editor .cdr.squiggly-error");
    await editor.see(lens("4 outputs · 4 broken"));
    await editor.page.mouse.click(640, 700);
    await editor.shot("diagnostics");
  },

  async "the status bar says that the program inside serves"(editor) {
    await (await editor.see(`${status("cargo-tgen")} .codicon-check`)).hover();
    await editor.see('.monaco-hover:has-text("inside the extension")');
    await editor.shot("status");
    await editor.page.mouse.move(640, 700);
  },

  async "the problem is listed once"(editor) {
    await editor.press("Control+Shift+M");
    await editor.see('.markers-panel .monaco-list-row:has-text("model_nam")');
    const rows = await editor.texts(".markers-panel .monaco-list-row");
    assert.equal(rows.filter((text) => text.includes("there is no placeholder")).length, 1, rows.join("\n"));
    await editor.press("Control+Shift+M");
  },

  async "placeholders are completed in an unfinished tag"(editor) {
    await editor.atEnd();
    await editor.type("# {{ mo");
    await editor.press("Control+Space");
    await editor.see(suggestion("model_family"));
    await editor.shot("completion");
    await editor.press("Escape");
  },

  async "a tag is closed with blanks, and a filter is offered once in it"(editor) {
    await editor.press("Home", "Shift+End", "Delete");
    await editor.type("# {{");
    assert.equal(await lastLine(editor.page), "# {{ }}");
    await editor.type(" tasks | py_s");
    await editor.press("Control+Space");
    await editor.see(suggestion("py_str"));
    const offered = await editor.texts(".suggest-widget.visible .monaco-list-row");
    assert.equal(offered.filter((text) => text.startsWith("py_str")).length, 1, offered.join("\n"));
    await editor.press("Escape");
    for (const text of ["tr }}", " {% if x %}", "{# y #}"]) await typeOver(editor, text);
    assert.equal(await lastLine(editor.page), "# {{ tasks | py_str }} {% if x %}{# y #}");
    await editor.press("Home", "Shift+End", "Delete");
  },

  async "outside of tags a snippet is offered"(editor) {
    await editor.type("for");
    await editor.press("Control+Space");
    await editor.see(suggestion("once for each item"));
    await editor.shot("snippet");
    await editor.press("Enter");
    await editor.see(line("{% for task in tasks %}"));
    await editor.press("Escape", "Escape");
    await editor.command("File: Revert File");
  },

  async "a value is shown where the pointer rests"(editor) {
    await editor.page.locator(".view-line", { hasText: "Tests of" }).locator('span:text-is("model_name")').first().hover();
    await editor.see('.monaco-hover:not(.hidden) .hover-row:has-text("bert")');
    await editor.shot("hover");
  },

  async "lenses above a template count its outputs"(editor) {
    await editor.open("templates/tasks.py.tera");
    await editor.see(lens("4 outputs · 4 missing"));
    await editor.see(lens("preview bert"));
  },

  async "a lens generates, says what was written, and the count follows"(editor) {
    await editor.clickLens("generate");
    await editor.see(toast("wrote 4 of 4 outputs"));
    await editor.see(lens("4 outputs · all fresh"));
    await editor.command("Notifications: Clear All Notifications");
    await editor.atEnd();
    await editor.type("    assert task\n");
    await editor.see(lens("4 outputs · 4 stale"));
    await editor.page.mouse.move(640, 700);
    await editor.shot("lenses");
  },

  async "check says what differs"(editor) {
    await editor.press("Control+S");
    await editor.command("cargo-tgen: Check");
    await editor.see(toast("4 stale"));
    await editor.shot("check");
    await editor.command("Notifications: Clear All Notifications");
  },

  async "a lens lists the outputs"(editor) {
    await editor.clickLens("4 stale");
    await editor.see(`${row("stale")} >> text=whisper`);
    await editor.shot("outputs");
    await editor.press("Escape");
  },

  async "a lens shows the preview beside the template, which follows it"(editor) {
    await editor.clickLens("preview bert");
    await editor.see('.tab:has-text("Preview of tasks.py")');
    await editor.atEnd();
    // The editor has indented the line already.
    await editor.type("assert len(task) > 3\n");
    await editor.see(`${BESIDE} ${line("len(task)")}`);
    await editor.see(`${BESIDE} ${lens("test/tasks/test_bert.py")}`);
    await editor.shot("preview");
  },

  async "a preview keeps its text while the template is broken"(editor) {
    await editor.type("# {{ nothing }}");
    await editor.see(`${BESIDE} ${lens("there is no placeholder")}`);
    await editor.see(`${BESIDE} ${line("len(task)")}`);
    await editor.shot("broken-preview");
    await editor.press("Shift+Home", "Delete");
    await editor.see(`${BESIDE} ${lens("test/tasks/test_bert.py")}`);
  },

  async "the status bar names the preview model"(editor) {
    await editor.see(status("bert"));
  },

  async "what is selected becomes a component"(editor) {
    await editor.atEnd();
    await editor.press("Control+Home", "Shift+End");
    await askForActions(editor, "extract component");
    await editor.shot("extract");
    await editor.press("Enter");
    await editor.see(line("endcomponent extracted"));
  },

  async "a generated file says where it comes from"(editor) {
    await editor.open("test/tasks/test_bert.py");
    const signature = editor.page.locator(".view-line", { hasText: "generated by" }).first();
    // The name of the template is a link as soon as the server is there.
    await signature.locator(".detected-link").first().waitFor();
    await signature.hover({ position: { x: 150, y: 8 } });
    await editor.see('.monaco-hover:not(.hidden) .hover-row:has-text("edit the template")');
    await editor.shot("generated");
  },

  async "an edited output says so, and its edit moves into the template"(editor) {
    await editor.open("templates/tasks.py.tera");
    await editor.clickLens("generate");
    await editor.see(toast("wrote 4 of 4 outputs"));
    await editor.command("Notifications: Clear All Notifications");
    await editor.open("test/tasks/test_bert.py");
    await editor.atEnd();
    await editor.press("ArrowUp", "End");
    await editor.type("  # typed");
    await editor.see(lens("edited: 1 place"));
    await editor.clickLens("edited: 1 place");
    await editor.see('.action-widget .monaco-list-row:has-text("which changes 3 other outputs")');
    await editor.see('.action-widget .monaco-list-row:has-text("discard the edit")');
    await editor.shot("adopt");
    await editor.press("Enter");
    await editor.gone(lens("edited: 1 place"));
    await editor.open("templates/tasks.py.tera");
    await editor.see(line("# typed"));
  },

  async "the edit of an output is shown beside what was generated, and discarded"(editor) {
    await editor.open("test/tasks/test_bert.py");
    await editor.atEnd();
    await editor.type("ANOTHER = 1");
    await editor.see(lens("edited: 1 place"));
    await editor.clickLens("show the difference");
    await editor.see('.tab:has-text("as generated")');
    await editor.see(".diff-editor .line-insert, .diffEditor .line-insert, .line-insert");
    await editor.shot("edited");
    await editor.open("test/tasks/test_bert.py");
    await editor.atEnd();
    await askForActions(editor, "discard the edit");
    // It stands below the first one.
    await editor.press("ArrowDown", "Enter");
    await editor.gone(lens("edited:"));
  },

  async "a template of the other dialect is highlighted as Python, with a menu of its own"(editor) {
    await editor.open("templates/matrix.py");
    await editor.see(status("${} in Python"));
    await editor.see(lens("4 outputs · 4 missing"));
    await editor.shot("dollar");
    await editor.page.locator(".view-line").first().click({ button: "right" });
    await (await editor.see('.monaco-menu .action-item:has-text("cargo-tgen")')).hover();
    for (const item of ["Show Preview Beside", "Show Outputs of This Template", "Generate", "Check"]) {
      await editor.see(`.monaco-submenu .action-item:has-text("${item}")`);
    }
    await editor.shot("menu");
    await editor.press("Escape", "Escape");
  },

  async "a test by hand becomes a template and a suite"(editor, project) {
    await editor.open("by_hand/test_whisper_speed.py");
    await editor.see(`${status("cargo-tgen")} .codicon-check`);
    await editor.command("cargo-tgen: New Template from This Test");
    await (await editor.see('.quick-input-list .monaco-list-row[aria-label="whisper"]')).click();
    // The value follows as a hint, as soon as the server has read the new suite.
    await editor.see(line("def test_${normalized_name"));
    await editor.see(line("by_hand/test_{{ normalized_name }}_speed.py"));
    await editor.shot("new-template");
    const template = fs.readFileSync(path.join(project, "templates/test_model_speed.py"), "utf8");
    assert.match(template, /assert "\$\{model_name\}"/);
  },

  async "tgen.toml is highlighted, and a half-written key is a squiggle and no toast"(editor) {
    await editor.open("tgen.toml");
    await editor.see(status("TOML of cargo-tgen"));
    await editor.see(`${status("cargo-tgen")} .codicon-check`);
    await editor.atEnd();
    await editor.type("\nmod");
    await editor.see(".monaco-editor .cdr.squiggly-error");
    await editor.shot("toml");
    assert.deepEqual(await editor.texts(toast("cannot be used")), []);
    await editor.press("Control+Z", "Control+Z", "Control+Z");
  },

  async "the commands are tasks"(editor) {
    await editor.command("Tasks: Run Task");
    await (await editor.see(row("tgen"))).click();
    for (const task of ["generate", "check", "lint", "watch"]) await editor.see(row(`cargo-tgen: ${task}`));
    await editor.shot("tasks");
    await editor.press("Escape");
  },

  async "the doctor shows what the server sees"(editor) {
    await editor.command("cargo-tgen: Show What the Language Server Sees");
    await editor.see(line("it has a `tgen.toml`"));
    await editor.shot("doctor");
  },

  async "the walkthrough has its pictures"(editor) {
    await editor.command("Welcome: Open Walkthrough...");
    await (await editor.see(row("Begin with cargo-tgen"))).click();
    await editor.see('.gettingStarted :text("See what a model gets")');
    const picture = editor.page.locator(".getting-started-media img").first();
    await picture.waitFor();
    assert.ok(await picture.evaluate((image) => (image as { naturalWidth?: number }).naturalWidth ?? 0));
    await editor.shot("walkthrough");
  },

  async "the details page has no broken picture"(editor) {
    await editor.press("Control+Shift+X");
    await (await editor.see('.extensions-viewlet .monaco-list-row:has-text("cargo-tgen")')).click();
    await editor.see('.extension-editor :text("cargo-tgen")');
    await editor.shot("details");
    const page = await frameWith(editor.page, "What you see");
    const broken = "[...document.images].filter((image) => image.naturalWidth === 0).map((image) => image.src)";
    assert.deepEqual(await page.evaluate<string[]>(broken), []);
  },
};

/** The frame that shows a heading. Frames come and go while a page is loaded. */
async function frameWith(page: Page, heading: string): Promise<Frame> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    for (const frame of page.frames()) {
      const found = await frame.locator(`h2:has-text("${heading}")`).count().catch(() => 0);
      if (found > 0) return frame;
    }
    await page.waitForTimeout(200);
  }
  throw new Error(`no frame shows \`${heading}\``);
}

/** Asks for code actions until one is offered: VS Code drops the answer when the server was told of a change meanwhile. */
async function askForActions(editor: Editor, action: string): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await editor.press("Control+.");
    const offered = editor.page.locator(`.action-widget .monaco-list-row:has-text("${action}")`).first();
    if (await offered.waitFor({ timeout: 6000 }).then(() => true, () => false)) return;
    console.log(`      no code action at attempt ${attempt}`);
  }
  throw new Error(`\`${action}\` is not offered`);
}

/** Types a tag to its end, and waits until the end that VS Code had written is gone. */
async function typeOver(editor: Editor, text: string): Promise<void> {
  await editor.type(text);
  const end = Date.now() + 5000;
  while ((await lastLine(editor.page))?.endsWith(text) !== true && Date.now() < end) await editor.page.waitForTimeout(50);
}

async function lastLine(page: Page): Promise<string | undefined> {
  const lines = page.locator(".editor-instance .view-line");
  const placed = await lines.evaluateAll((found) =>
    found.map((each) => {
      const { style, innerText } = each as unknown as { style: { top: string }; innerText: string };
      return { top: Number.parseInt(style.top), text: innerText };
    }),
  );
  return placed.sort((one, other) => other.top - one.top)[0]?.text.replaceAll("\u00a0", " ").trimEnd();
}
