// Which files are templates, as far as a look at the configurations tells; the server reads them properly.

import * as path from "node:path";
import * as vscode from "vscode";

const IGNORED = "**/{node_modules,target,.venv}/**";
const MOST_PROJECTS = 100;
const MOST_TEMPLATES = 2000;

/** The projects of the workspace. */
export interface Projects {
  /** The folders with a `tgen.toml`. */
  roots: string[];
  /** The folders that the configurations name as their templates. */
  templates: string[];
}

export async function findProjects(): Promise<Projects> {
  const files = await vscode.workspace.findFiles("**/tgen.toml", IGNORED, MOST_PROJECTS);
  const folders = await Promise.all(files.map(templateFolder));
  return { roots: files.map((file) => path.dirname(file.fsPath)), templates: folders.filter((folder) => folder !== undefined) };
}

/** The folders of templates and the folders in them that hold templates, for the conditions of menus. */
export async function foldersWithTemplates(folders: readonly string[]): Promise<string[]> {
  const inOne = (folder: string) => vscode.workspace.findFiles(new vscode.RelativePattern(folder, "**/*"), IGNORED, MOST_TEMPLATES);
  const files = (await Promise.all(folders.map(inOne))).flat();
  return [...new Set(files.map((file) => path.dirname(file.fsPath)))];
}

async function templateFolder(file: vscode.Uri): Promise<string | undefined> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const folder = /^\s*templates\s*=\s*["']([^"']+)["']/m.exec(text)?.[1];
  return folder === undefined ? undefined : path.join(path.dirname(file.fsPath), folder);
}

/** Whether a file stands in one of the folders. */
export function isInside(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file.startsWith(folder + path.sep));
}
