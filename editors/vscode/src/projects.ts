// Which files are templates, as far as a look at the configurations tells; the server reads them properly.

import * as path from "node:path";
import * as vscode from "vscode";

/** The folders that the configurations of the workspace name as their templates. */
export async function templateFolders(): Promise<string[]> {
  const files = await vscode.workspace.findFiles("**/tgen.toml", "**/{node_modules,target,.venv}/**", 100);
  const folders = await Promise.all(files.map(folderOf));
  return folders.filter((folder) => folder !== undefined);
}

async function folderOf(file: vscode.Uri): Promise<string | undefined> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const folder = /^\s*templates\s*=\s*["']([^"']+)["']/m.exec(text)?.[1];
  return folder === undefined ? undefined : path.join(path.dirname(file.fsPath), folder);
}

/** Whether a file stands in one of the folders. */
export function isInside(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file.startsWith(folder + path.sep));
}
