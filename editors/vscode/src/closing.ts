// Typing the end of a tag goes over the end that VS Code wrote when the tag was opened. It does so itself only for single characters.

import * as vscode from "vscode";

import { closedTwice } from "./tags";

/** The last character of every end. */
export const LAST_OF_END = "}";

export const closingProvider: vscode.OnTypeFormattingEditProvider = {
  provideOnTypeFormattingEdits(document, position) {
    const line = document.lineAt(position).text;
    const length = closedTwice(line.slice(0, position.character), line.slice(position.character));
    return length === 0 ? [] : [vscode.TextEdit.delete(new vscode.Range(position, position.translate(0, length)))];
  },
};
