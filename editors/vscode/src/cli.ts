// Runs the program's commands, and shows what came out of them.

import { execFile } from "node:child_process";
import * as path from "node:path";
import * as vscode from "vscode";

import { closingLine } from "./closing_line";

/** What a command ended with. */
export interface Ended {
  /** 0 clean, 1 differences or problems, anything else: it could not run. */
  code: number;
  stdout: string;
  stderr: string;
}

/** What a run needs of the extension. */
export interface Shell {
  output: vscode.OutputChannel;
  /** The program, or nothing after the user was told that there is none. */
  program(): string | undefined;
}

/** Runs a command in a folder, with what it prints in the output channel. */
export async function run(shell: Shell, args: readonly string[], cwd: string | undefined): Promise<Ended | undefined> {
  const program = shell.program();
  if (program === undefined) return undefined;
  const title = `cargo tgen ${args.join(" ")}`;
  const ended = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => execute(program, args, cwd));
  shell.output.appendLine(`$ ${title}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

/** Says how a command ended: its closing line, and the buttons that lead on from there. Gives the button that was pressed. */
export async function report(shell: Shell, ended: Ended, ...buttons: string[]): Promise<string | undefined> {
  const line = `cargo-tgen: ${closingLine(ended)}`;
  const choice =
    ended.code === 0
      ? await vscode.window.showInformationMessage(line)
      : ended.code === 1
        ? await vscode.window.showWarningMessage(line, ...buttons, "Show Output")
        : await vscode.window.showErrorMessage(line, "Show Output");
  if (choice === "Show Output") shell.output.show();
  return choice;
}

/** The folder to run in for a file: the program finds the project from there. */
export function folderOf(file: vscode.Uri | undefined): string | undefined {
  return file?.scheme === "file" ? path.dirname(file.fsPath) : vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
}

function execute(program: string, args: readonly string[], cwd: string | undefined): Promise<Ended> {
  return new Promise((done) => {
    execFile(program, ["tgen", ...args], { cwd, env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 2;
      done({ code, stdout, stderr: stderr === "" && code > 1 ? `${error?.message ?? ""}\n` : stderr });
    });
  });
}
