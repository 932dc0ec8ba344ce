// What templates render to, as read-only documents that are renewed as one types.

import * as path from "node:path";
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import * as protocol from "./protocol";

const SCHEME = "tgen-preview";

/** The previews that are open, and how they are renewed. */
export class Previews implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: vscode.Disposable[];
  private waiting: NodeJS.Timeout | undefined;

  readonly onDidChange = this.changed.event;

  constructor(private readonly client: () => LanguageClient | undefined) {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document.uri.scheme !== SCHEME && event.contentChanges.length > 0) this.renewSoon();
      }),
    ];
  }

  /** Shows the preview of a template beside it. */
  async show(template: vscode.Uri): Promise<void> {
    const preview = await this.uri(template);
    if (preview === undefined) return;
    const document = await vscode.workspace.openTextDocument(preview);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true });
  }

  /** Shows how the preview differs from the file that is there. */
  async diff(template: vscode.Uri): Promise<void> {
    const result = await this.ask(template);
    const preview = await this.uri(template);
    if (preview === undefined || result?.output == null) return;
    const output = vscode.Uri.parse(result.output);
    const title = `${path.basename(output.fsPath)} (as it is ↔ as it would be)`;
    await vscode.commands.executeCommand("vscode.diff", output, preview, title);
  }

  /** Renders every open preview again. */
  renew(): void {
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === SCHEME) this.changed.fire(document.uri);
    }
  }

  async provideTextDocumentContent(preview: vscode.Uri): Promise<string> {
    const result = await this.ask(vscode.Uri.parse(preview.query));
    if (result == null) return "The language server does not know this template.\n";
    return result.text ?? `This template cannot be rendered: ${result.problem ?? "unknown"}\n`;
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

  /** The name of a template's preview ends like the output's, so that it is highlighted like it. */
  private async uri(template: vscode.Uri): Promise<vscode.Uri | undefined> {
    const result = await this.ask(template);
    if (result === undefined) return undefined;
    const name = result?.output == null ? path.basename(template.path, ".tera") : path.basename(vscode.Uri.parse(result.output).path);
    return vscode.Uri.from({ scheme: SCHEME, path: `/preview/${name}`, query: template.toString() });
  }

  private async ask(template: vscode.Uri): Promise<protocol.PreviewResult | null | undefined> {
    return await this.client()?.sendRequest(protocol.preview, { textDocument: { uri: template.toString() } });
  }
}
