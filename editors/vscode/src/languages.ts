// Which language a document is shown in, where its name alone does not tell.

import * as path from "node:path";
import * as vscode from "vscode";

import { isInside } from "./projects";

/** Shows a document in the language that its place says. */
export async function setLanguage(document: vscode.TextDocument, templateFolders: readonly string[]): Promise<void> {
  const language = languageOf(document, templateFolders);
  if (language !== undefined && language !== document.languageId) await vscode.languages.setTextDocumentLanguage(document, language);
}

function languageOf(document: vscode.TextDocument, templateFolders: readonly string[]): string | undefined {
  if (document.uri.scheme !== "file") return undefined;
  const showsDollar = vscode.workspace.getConfiguration("tgen").get<boolean>("dollarLanguage", true);
  const isDollar = document.languageId === "python" || document.languageId === "tgen-dollar";
  if (isDollar && isInside(document.uri.fsPath, templateFolders)) return showsDollar ? "tgen-dollar" : "python";
  // An extension for TOML, where there is one, highlights more than ours does.
  const isPlain = document.languageId === "plaintext" && path.basename(document.uri.fsPath) === "tgen.toml";
  return isPlain ? "tgen-toml" : undefined;
}
