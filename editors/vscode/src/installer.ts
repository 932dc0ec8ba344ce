// What the user can do where there is no program: install one, after seeing the command, or name one.

import { execFile } from "node:child_process";
import * as vscode from "vscode";

import { commandLine, waysToInstall, type Way } from "./install";
import type { Surroundings } from "./program";

const INSTALL = "Install…";
const SETTINGS = "Open Settings";
const OUTPUT = "Show Output";

/** Says a problem of the program, with the ways out of it. */
export async function offerHelp(problem: string, output: vscode.OutputChannel): Promise<void> {
  const choice = await vscode.window.showErrorMessage(`cargo-tgen: ${problem}`, INSTALL, SETTINGS, OUTPUT);
  if (choice === INSTALL) await vscode.commands.executeCommand("tgen.install");
  if (choice === SETTINGS) await vscode.commands.executeCommand("workbench.action.openSettings", "tgen.server.path");
  if (choice === OUTPUT) output.show();
}

/** Has the user choose one of the commands that install the program, and runs it. Gives whether it did. */
export async function install(at: Surroundings, output: vscode.OutputChannel): Promise<boolean> {
  const ways = waysToInstall(at);
  if (ways.length === 0) {
    const none = "neither `uv`, `pipx` nor `cargo` is on PATH, and the project has no `.venv`; install `cargo-tgen` from PyPI or crates.io by hand";
    void vscode.window.showWarningMessage(`cargo-tgen: ${none}`);
    return false;
  }
  const items = ways.map((way) => ({ label: way.title, detail: commandLine(way), way }));
  const choice = await vscode.window.showQuickPick(items, { placeHolder: "Which of these commands should run?" });
  return choice !== undefined && (await runWay(choice.way, output));
}

async function runWay(way: Way, output: vscode.OutputChannel): Promise<boolean> {
  output.appendLine(`$ ${commandLine(way)}`);
  const progress = { location: vscode.ProgressLocation.Notification, title: commandLine(way), cancellable: true };
  const problem = await vscode.window.withProgress(progress, (_, cancelled) => execute(way, output, cancelled));
  if (problem === undefined) return true;
  const choice = await vscode.window.showErrorMessage(`cargo-tgen: \`${commandLine(way)}\` failed: ${problem}`, OUTPUT);
  if (choice === OUTPUT) output.show();
  return false;
}

/** Runs a command with its output in the channel; gives what went wrong. */
function execute(way: Way, output: vscode.OutputChannel, cancelled: vscode.CancellationToken): Promise<string | undefined> {
  return new Promise((done) => {
    const child = execFile(way.command, way.args, (error) => done(error === null ? undefined : lastLine(error.message)));
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: string) => output.append(text));
    cancelled.onCancellationRequested(() => child.kill());
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? text;
}
