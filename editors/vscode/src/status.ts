// The status bar: how the server is, and the model that previews are for.

import * as vscode from "vscode";

import type { Health } from "./server";

/** How a state is shown, and what a click does. */
interface Look {
  icon: string;
  words: string;
  click: string;
  background?: string;
}

/** The item that says how the server is. */
export class ServerStatus implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("tgen.server", vscode.StatusBarAlignment.Left);

  constructor() {
    this.item.name = "cargo-tgen language server";
  }

  show(health: Health): void {
    const { icon, words, click, background } = look(health);
    this.item.text = `$(${icon}) cargo-tgen`;
    this.item.tooltip = tooltip(words);
    this.item.command = click;
    this.item.backgroundColor = background === undefined ? undefined : new vscode.ThemeColor(background);
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}

function look(health: Health): Look {
  switch (health.is) {
    case "starting":
      return { icon: "sync~spin", words: "the language server starts", click: "tgen.showOutput" };
    case "running":
      return {
        icon: "check",
        words: `\`${health.program.version}\`, ${health.program.place}: \`${health.program.file}\``,
        click: "tgen.showOutput",
      };
    case "missing":
      return { icon: "warning", words: health.problem, click: "tgen.install", background: "statusBarItem.warningBackground" };
    case "ended":
      return { icon: "error", words: health.problem, click: "tgen.showOutput", background: "statusBarItem.errorBackground" };
  }
}

function tooltip(words: string): vscode.MarkdownString {
  const links = [
    ["Restart", "tgen.restart"],
    ["Show output", "tgen.showOutput"],
    ["Show what the server sees", "tgen.doctor"],
    ["Install", "tgen.install"],
  ];
  const shown = links.map(([title, command]) => `[${title}](command:${command})`);
  const markdown = new vscode.MarkdownString(`**cargo-tgen**: ${words}\n\n${shown.join(" · ")}`);
  markdown.isTrusted = { enabledCommands: links.map(([, command]) => command ?? "") };
  return markdown;
}

/** The item that names the preview model. */
export class ModelStatus implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("tgen.model", vscode.StatusBarAlignment.Right, 100);

  constructor() {
    this.item.name = "cargo-tgen preview model";
    this.item.command = "tgen.chooseModel";
    this.item.tooltip = "cargo-tgen: the model that previews, hints and completion show values for";
  }

  /** Shows the name of the model; null where the template has none. */
  show(model: string | null): void {
    this.item.text = `$(beaker) ${model ?? "no model"}`;
    this.item.show();
  }

  hide(): void {
    this.item.hide();
  }

  dispose(): void {
    this.item.dispose();
  }
}
