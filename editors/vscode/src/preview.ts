// What templates render to, as read-only documents that are renewed as one types.

import * as path from "node:path";
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import * as protocol from "./protocol";

const SCHEME = "tgen-preview";

/** The previews that are open, and how they are renewed. */
export class Previews implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly answered = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[];
  /** By preview: the newest answer, and the newest text that was rendered without a problem. */
  private readonly answers = new Map<string, protocol.PreviewResult>();
  private readonly texts = new Map<string, string>();
  private waiting: NodeJS.Timeout | undefined;

  readonly onDidChange = this.changed.event;
  readonly onDidChangeCodeLenses = this.answered.event;

  constructor(private readonly client: () => LanguageClient | undefined) {
    this.disposables = [
      this.changed,
      this.answered,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri)),
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document.uri.scheme !== SCHEME && event.contentChanges.length > 0) this.renewSoon();
      }),
    ];
  }

  /** Shows the preview of a template beside it. */
  async show(template: vscode.Uri): Promise<void> {
    const document = await vscode.workspace.openTextDocument(previewOf(template));
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true });
  }

  /** Shows how the preview differs from the file that is there. */
  async diff(template: vscode.Uri): Promise<void> {
    const result = await this.ask(template);
    if (result?.output == null) {
      void vscode.window.showWarningMessage(`cargo-tgen: ${result?.problem ?? "this template has no output to compare"}`);
      return;
    }
    const output = vscode.Uri.parse(result.output);
    const title = `${path.basename(output.fsPath)} (as it is ↔ as it would be)`;
    await vscode.commands.executeCommand("vscode.diff", output, previewOf(template), title);
  }

  /** Renders every open preview again. */
  renew(): void {
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === SCHEME) this.changed.fire(document.uri);
    }
  }

  /** The text for the chosen model; while the template is broken, the last one that was whole. */
  async provideTextDocumentContent(preview: vscode.Uri): Promise<string> {
    const key = preview.toString();
    const result = (await this.ask(templateOf(preview))) ?? UNKNOWN;
    this.answers.set(key, result);
    this.answered.fire();
    if (result.text !== null) this.texts.set(key, result.text);
    return this.texts.get(key) ?? "";
  }

  /** The line above a preview: whom it is for, or why the text is not that of the template. */
  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const answer = this.answers.get(document.uri.toString());
    if (answer === undefined) return [];
    const template = templateOf(document.uri);
    const lens = (title: string, command: string) =>
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command, arguments: [template] });
    if (answer.problem !== null) {
      const lenses = [lens(`$(error) ${answer.problem}`, "vscode.open")];
      const keptText = this.texts.has(document.uri.toString());
      return keptText ? [...lenses, lens("below is the last text without a problem", "vscode.open")] : lenses;
    }
    const output = answer.output === null ? [] : [lens(vscode.workspace.asRelativePath(vscode.Uri.parse(answer.output)), "tgen.diff")];
    return [lens(`$(beaker) ${answer.model ?? "no model"}`, "tgen.chooseModel"), ...output];
  }

  dispose(): void {
    clearTimeout(this.waiting);
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  private renewSoon(): void {
    clearTimeout(this.waiting);
    const delay = vscode.workspace.getConfiguration("tgen").get<number>("preview.delay", 100);
    this.waiting = setTimeout(() => this.renew(), delay);
  }

  private forget(preview: vscode.Uri): void {
    this.answers.delete(preview.toString());
    this.texts.delete(preview.toString());
  }

  private async ask(template: vscode.Uri): Promise<protocol.PreviewResult | null | undefined> {
    return await this.client()?.sendRequest(protocol.preview, { textDocument: { uri: template.toString() } });
  }
}

const UNKNOWN: protocol.PreviewResult = {
  text: null,
  problem: "the language server does not know this template",
  output: null,
  model: null,
};

/** The preview of a template: its name tells the tab from the output's, and its ending how it is highlighted. */
function previewOf(template: vscode.Uri): vscode.Uri {
  const name = path.posix.basename(template.path, ".tera");
  return vscode.Uri.from({ scheme: SCHEME, path: `/Preview of ${name}`, query: template.toString() });
}

function templateOf(preview: vscode.Uri): vscode.Uri {
  return vscode.Uri.parse(preview.query);
}
