// Snippets of Tera, outside of tags only: inside, the server offers the same words, and a tag in a tag is an error.

import * as vscode from "vscode";

import snippets from "../snippets/tera.json";
import { isInsideTag } from "./tags";

export const snippetProvider: vscode.CompletionItemProvider = {
  provideCompletionItems(document, position) {
    const before = document.getText(new vscode.Range(new vscode.Position(0, 0), position));
    return isInsideTag(before) ? [] : Object.values(snippets).map(item);
  },
};

function item(snippet: { prefix: string; body: string[]; description: string }): vscode.CompletionItem {
  const label = { label: snippet.prefix, description: snippet.description };
  const found = new vscode.CompletionItem(label, vscode.CompletionItemKind.Snippet);
  found.insertText = new vscode.SnippetString(snippet.body.join("\n"));
  return found;
}
