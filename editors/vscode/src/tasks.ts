// The program's commands as tasks of VS Code, for key bindings, builds and the Problems panel.

import * as path from "node:path";
import * as vscode from "vscode";

import { isInside } from "./projects";

const TYPE = "tgen";
const MATCHER = "$cargo-tgen";

/** A task as `tasks.json` has it. */
interface Definition extends vscode.TaskDefinition {
  command: string;
  args?: string[];
  /** The folder of the project, from the workspace's. */
  root?: string;
}

const GROUPS: Readonly<Record<string, vscode.TaskGroup | undefined>> = {
  generate: vscode.TaskGroup.Build,
  run: vscode.TaskGroup.Test,
  check: vscode.TaskGroup.Test,
  lint: undefined,
  watch: undefined,
};

export class Tasks implements vscode.TaskProvider {
  static readonly type = TYPE;

  constructor(
    private readonly program: () => string | undefined,
    private readonly roots: () => readonly string[],
  ) {}

  provideTasks(): vscode.Task[] {
    return this.roots().flatMap((root) => {
      const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(root));
      if (folder === undefined) return [];
      const place = placeBelow(folder, root);
      return Object.keys(GROUPS).map((command) => this.task(folder, { type: TYPE, command, ...place }));
    });
  }

  resolveTask(task: vscode.Task): vscode.Task | undefined {
    const definition = task.definition as Definition;
    const folder = typeof task.scope === "object" ? task.scope : vscode.workspace.workspaceFolders?.[0];
    return folder === undefined ? undefined : this.task(folder, definition);
  }

  /** The tests of the project that a file belongs to. */
  run(file: vscode.Uri | undefined, args: string[]): vscode.Task | undefined {
    const roots = this.roots().filter((root) => file === undefined || isInside(file.fsPath, [root]));
    // The nearest one counts.
    const root = roots.sort((one, other) => other.length - one.length)[0];
    const folder = root === undefined ? undefined : vscode.workspace.getWorkspaceFolder(vscode.Uri.file(root));
    if (root === undefined || folder === undefined) return undefined;
    return this.task(folder, { type: TYPE, command: "run", args, ...placeBelow(folder, root) });
  }

  /** Runs in the workspace's folder, so that the paths of problems begin there. */
  private task(folder: vscode.WorkspaceFolder, definition: Definition): vscode.Task {
    const { command, args = [], root } = definition;
    const where = root === undefined ? [] : ["--root", root];
    const name = root === undefined ? command : `${command} ${root}`;
    const execution = new vscode.ProcessExecution(this.program() ?? "cargo-tgen", ["tgen", command, ...where, ...args], { cwd: folder.uri.fsPath });
    // A watch never ends, and its problems of open files are the server's already.
    const isWatch = command === "watch";
    const task = new vscode.Task(definition, folder, name, "cargo-tgen", execution, isWatch ? [] : [MATCHER]);
    task.group = GROUPS[command];
    task.isBackground = isWatch;
    return task;
  }
}

/** Where a project is, as a task has it. */
function placeBelow(folder: vscode.WorkspaceFolder, root: string): { root?: string } {
  const below = path.relative(folder.uri.fsPath, root).split(path.sep).join("/");
  return below === "" ? {} : { root: below };
}
