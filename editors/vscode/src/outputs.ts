// The list of a template's outputs.

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import * as protocol from "./protocol";

/** Lists the outputs of a template, those first that are not what they should be, and opens the chosen one. */
export async function showOutputs(client: LanguageClient | undefined, template: vscode.Uri): Promise<void> {
  const found = await client?.sendRequest(protocol.outputs, { textDocument: { uri: template.toString() } });
  const outputs = found?.outputs ?? [];
  if (outputs.length === 0) return say("this template has no outputs that can be listed; its problems say why, where it has any");
  const items = outputs.map((output) => ({
    label: output.subject,
    description: output.standing,
    detail: output.uri === null ? undefined : vscode.workspace.asRelativePath(vscode.Uri.parse(output.uri)),
    output,
  }));
  const choice = await vscode.window.showQuickPick(items, { placeHolder: "The outputs of this template", matchOnDescription: true });
  if (choice === undefined || choice.output.uri === null) return;
  if (choice.output.standing === "missing") return say(`\`${choice.detail ?? ""}\` is not there yet; generate it first`);
  await vscode.window.showTextDocument(vscode.Uri.parse(choice.output.uri));
}

function say(what: string): void {
  void vscode.window.showInformationMessage(`cargo-tgen: ${what}`);
}
