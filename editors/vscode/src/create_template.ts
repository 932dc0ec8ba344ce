// *New Template from This Test*: a template and a suite, as one edit that can be undone, for the user to look at and save.

import * as path from "node:path";
import * as vscode from "vscode";

import { folderOf, report, run, type Shell } from "./cli";
import { modelsNamedIn, suiteFor, templateFrom, type Model } from "./new_template";
import { isInside, type Projects } from "./projects";

/** Makes the template of a test, and the suite that renders it to that test again. */
export async function createTemplate(shell: Shell, projects: Projects, test: vscode.Uri): Promise<void> {
  const root = projects.roots.filter((root) => isInside(test.fsPath, [root])).sort((one, other) => other.length - one.length)[0];
  if (root === undefined) return warn("no `tgen.toml` above this test; create one first");
  const folder = projects.templates.find((folder) => isInside(folder, [root]));
  if (folder === undefined) return warn("`tgen.toml` names no `templates` folder; add `templates = \"templates\"` first");
  const document = await vscode.workspace.openTextDocument(test);
  const model = await chooseModel(shell, test, document.getText());
  if (model === undefined) return;
  const below = path.relative(root, test.fsPath).split(path.sep).join("/");
  const made = templateFrom(document.getText(), below, model);
  const template = vscode.Uri.file(path.join(folder, path.basename(made.output).replace("{{ normalized_name }}", "model")));
  if (await exists(template)) return warn(`\`${vscode.workspace.asRelativePath(template)}\` is there already`);
  const name = path.basename(template.fsPath, path.extname(template.fsPath));
  await apply(template, made.text, vscode.Uri.file(path.join(root, "tgen.toml")), suiteFor(name, path.basename(template.fsPath), model.model, made.output));
}

async function apply(template: vscode.Uri, text: string, configuration: vscode.Uri, suite: string): Promise<void> {
  const toml = await vscode.workspace.openTextDocument(configuration);
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(template, { contents: new TextEncoder().encode(text) });
  edit.insert(configuration, toml.lineAt(toml.lineCount - 1).range.end, suite);
  if (!(await vscode.workspace.applyEdit(edit))) return warn("the template could not be written");
  await vscode.window.showTextDocument(template);
  const shown = await vscode.window.showTextDocument(toml, { viewColumn: vscode.ViewColumn.Beside });
  shown.revealRange(toml.lineAt(toml.lineCount - 1).range);
  void vscode.window.showInformationMessage(
    "cargo-tgen: look at the suite in `tgen.toml` and save it; the test is written over once you run `cargo tgen generate --force`",
  );
}

/** The model that the test is for: those that it names come first. */
async function chooseModel(shell: Shell, test: vscode.Uri, text: string): Promise<Model | undefined> {
  const ended = await run(shell, ["models", "--format", "json"], folderOf(test));
  if (ended === undefined) return undefined;
  if (ended.code !== 0) return void (await report(shell, ended));
  const models = JSON.parse(ended.stdout) as Model[];
  const named = modelsNamedIn(`${path.basename(test.fsPath)}\n${text}`, models);
  const items = (named.length > 0 ? named : models).map((model) => ({ label: model.model, model }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "The model that this test is for" }))?.model;
}

async function exists(file: vscode.Uri): Promise<boolean> {
  return await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
}

function warn(what: string): void {
  void vscode.window.showWarningMessage(`cargo-tgen: ${what}`);
}
