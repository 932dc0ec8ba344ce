// The extension: puts its parts together and gives the commands their names.

import * as os from "node:os";
import * as vscode from "vscode";

import { folderOf, report, run, type Shell } from "./cli";
import { closingProvider, LAST_OF_END } from "./closing";
import { createTemplate } from "./create_template";
import { EditedOutputs } from "./edited";
import { install, offerHelp } from "./installer";
import { setLanguage } from "./languages";
import { showOutputs } from "./outputs";
import { Previews } from "./preview";
import type { Surroundings } from "./program";
import { findProjects, foldersWithTemplates, isInside, type Projects } from "./projects";
import * as protocol from "./protocol";
import { Reports } from "./reports";
import { Server, type Health } from "./server";
import { snippetProvider } from "./snippets";
import { ModelStatus, ServerStatus } from "./status";
import { Tasks } from "./tasks";

let running: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  running = new Extension(context.extensionPath);
  context.subscriptions.push(running);
  await running.start();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

class Extension implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel("cargo-tgen");
  private readonly serverStatus = new ServerStatus();
  private readonly modelStatus = new ModelStatus();
  private readonly server: Server;
  private readonly previews: Previews;
  private readonly edited: EditedOutputs;
  private readonly reports = new Reports();
  private readonly shell: Shell;
  private readonly disposables: vscode.Disposable[];
  private projects: Projects = { roots: [], templates: [] };

  constructor(private readonly path: string) {
    this.server = new Server(this.output, () => this.surroundings(), () => this.projects.templates);
    this.previews = new Previews(() => this.server.client);
    this.edited = new EditedOutputs(() => this.server.client);
    this.shell = { output: this.output, program: () => this.programOrHelp() };
    const tasks = new Tasks(() => this.server.program?.file, () => this.projects.roots);
    const command = (name: string, work: (...args: unknown[]) => Promise<unknown>) => vscode.commands.registerCommand(name, work);
    this.disposables = [
      this.output,
      this.serverStatus,
      this.modelStatus,
      this.previews,
      this.edited,
      this.reports,
      this.server,
      this.server.onDidChangeHealth((health) => this.onHealth(health)),
      command("tgen.preview", (uri) => this.onFile(uri, (template) => this.previews.show(template))),
      command("tgen.diff", (uri) => this.onFile(uri, (template) => this.previews.diff(template))),
      command("tgen.chooseModel", (uri) => this.onFile(uri, (template) => this.chooseModel(template))),
      command("tgen.outputs", (uri) => this.onFile(uri, (template) => showOutputs(this.server.client, template))),
      command("tgen.adopt", (uri) => this.onFile(uri, (output) => this.edited.adopt(output))),
      command("tgen.difference", (uri) => this.onFile(uri, (output) => this.edited.difference(output))),
      command("tgen.newTemplate", (uri) => this.onFile(uri, (test) => createTemplate(this.shell, this.projects, test))),
      command("tgen.generate", (uri, suites) => this.generate(fileOf(uri), suites)),
      command("tgen.run", (uri, suites, model) => this.runTests(tasks, fileOf(uri), suites, model)),
      command("tgen.runOutput", (uri, ...selected) => this.runOutput(tasks, fileOf(uri), selected)),
      command("tgen.check", (uri) => this.check(fileOf(uri))),
      command("tgen.init", () => this.init()),
      command("tgen.install", () => this.install()),
      command("tgen.doctor", () => this.doctor()),
      command("tgen.restart", () => this.server.restart()),
      command("tgen.showOutput", async () => this.output.show()),
      vscode.tasks.registerTaskProvider(Tasks.type, tasks),
      vscode.languages.registerCompletionItemProvider({ language: "tgen-tera", scheme: "file" }, snippetProvider),
      vscode.languages.registerOnTypeFormattingEditProvider({ language: "tgen-tera", scheme: "file" }, closingProvider, LAST_OF_END),
      vscode.window.onDidChangeActiveTextEditor(() => this.showModel()),
      vscode.workspace.onDidOpenTextDocument((document) => setLanguage(document, this.projects.templates)),
      vscode.workspace.onDidChangeConfiguration((event) => this.onSettings(event)),
      this.watchConfigurations(),
    ];
  }

  async start(): Promise<void> {
    await this.lookForProjects();
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  dispose(): void {
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  /** What the search for the program depends on. */
  private surroundings(): Surroundings {
    const open = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    return {
      setting: vscode.workspace.getConfiguration("tgen").get<string>("server.path", ""),
      extension: this.path,
      folders: [...new Set([...open, ...this.projects.roots])],
      home: os.homedir(),
      environment: process.env,
      platform: process.platform,
    };
  }

  private programOrHelp(): string | undefined {
    const { health, program } = this.server;
    if (program === undefined) void offerHelp(health.is === "missing" ? health.problem : "there is no program to run yet", this.output);
    return program?.file;
  }

  private onHealth(health: Health): void {
    this.serverStatus.show(health);
    void vscode.commands.executeCommand("setContext", "tgen.serverRunning", health.is === "running");
    if (health.is === "missing" || health.is === "ended") void offerHelp(health.problem, this.output);
    void this.showModel();
    this.previews.renew();
  }

  private async onSettings(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration("tgen.server")) await this.server.restart();
    if (event.affectsConfiguration("tgen.dollarLanguage")) await this.setLanguages();
  }

  private watchConfigurations(): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher("**/tgen.toml");
    const renew = async () => {
      const before = this.projects.templates.join("\n");
      await this.lookForProjects();
      if (this.projects.templates.join("\n") !== before) await this.server.restart();
      this.previews.renew();
    };
    watcher.onDidChange(renew);
    watcher.onDidCreate(renew);
    watcher.onDidDelete(renew);
    return watcher;
  }

  private async lookForProjects(): Promise<void> {
    this.projects = await findProjects();
    await setContext("tgen.hasProject", this.projects.roots.length > 0);
    await setContext("tgen.templateFolders", await foldersWithTemplates(this.projects.templates));
    await this.setLanguages();
  }

  private async setLanguages(): Promise<void> {
    for (const document of vscode.workspace.textDocuments) await setLanguage(document, this.projects.templates);
  }

  /** The preview model, while a template is in front. */
  private async showModel(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const isTemplate = document !== undefined && this.isTemplate(document);
    await setContext("tgen.isTemplate", isTemplate);
    if (document === undefined || !isTemplate) return this.modelStatus.hide();
    const known = await this.server.client?.sendRequest(protocol.models, { textDocument: { uri: document.uri.toString() } });
    this.modelStatus.show(known?.current ?? null);
  }

  private isTemplate(document: vscode.TextDocument): boolean {
    return document.languageId === "tgen-tera" || document.languageId === "tgen-dollar" || isInside(document.uri.fsPath, this.projects.templates);
  }

  private async chooseModel(template: vscode.Uri): Promise<void> {
    const textDocument = { uri: template.toString() };
    const known = await this.server.client?.sendRequest(protocol.models, { textDocument });
    const placeHolder = `The model to show values for (now ${known?.current ?? "none"})`;
    const model = await vscode.window.showQuickPick(known?.models ?? [], { placeHolder });
    if (model === undefined) return;
    await this.server.client?.sendRequest(protocol.setPreview, { textDocument, model });
    this.previews.renew();
    await this.showModel();
  }

  /** Does something with the file that a menu or a lens names, else with the active one. */
  private async onFile(argument: unknown, work: (file: vscode.Uri) => Promise<unknown>): Promise<void> {
    const file = fileOf(argument);
    if (file !== undefined) await work(file);
  }

  /** Generates the suites that a lens names, from the template as it is shown; without a lens, everything. */
  private async generate(file: vscode.Uri | undefined, suites: unknown): Promise<void> {
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === file?.toString());
    if (document?.isDirty === true) await document.save();
    // A menu hands over the selected files here.
    const named = Array.isArray(suites) ? suites.filter((suite) => typeof suite === "string") : [];
    const ended = await run(this.shell, ["generate", ...named.flatMap((suite) => ["--suite", suite])], folderOf(file));
    this.previews.renew();
    if (ended !== undefined) await report(this.shell, ended);
  }

  /** Runs the tests of a template for a model, or of everything, as a task: failures are listed as problems of templates. */
  private async runTests(tasks: Tasks, file: vscode.Uri | undefined, suites: unknown, model: unknown): Promise<void> {
    const named = Array.isArray(suites) ? suites.filter((suite) => typeof suite === "string") : [];
    const chosen = typeof model === "string" ? ["--model", model] : [];
    await this.runSaved(tasks, file, ["--generate", ...named.flatMap((suite) => ["--suite", suite]), ...chosen]);
  }

  /** Runs the tests of an output as it is shown, with the suite, the model and the axes that a lens names. */
  private async runOutput(tasks: Tasks, file: vscode.Uri | undefined, selected: unknown[]): Promise<void> {
    const options = ["--suite", "--model", "--hardware", "--batch-sizes"];
    const named = (value: unknown): value is string | number => typeof value === "string" || typeof value === "number";
    await this.runSaved(tasks, file, options.flatMap((option, at) => (named(selected[at]) ? [option, String(selected[at])] : [])));
  }

  private async runSaved(tasks: Tasks, file: vscode.Uri | undefined, args: string[]): Promise<void> {
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === file?.toString());
    if (document?.isDirty === true) await document.save();
    const task = tasks.run(file, args);
    if (task === undefined) return void vscode.window.showWarningMessage("cargo-tgen: no `tgen.toml` above this file; create one first");
    await vscode.tasks.executeTask(task);
  }

  private async check(file: vscode.Uri | undefined): Promise<void> {
    const ended = await run(this.shell, ["check"], folderOf(file));
    if (ended === undefined) return;
    if ((await report(this.shell, ended, "Generate")) === "Generate") await this.generate(file, []);
  }

  private async init(): Promise<void> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (folders.length === 0) return void vscode.window.showWarningMessage("cargo-tgen: open a folder first");
    const folder = folders.length === 1 ? folders[0] : await vscode.window.showWorkspaceFolderPick();
    if (folder === undefined) return;
    const ended = await run(this.shell, ["init"], folder.uri.fsPath);
    if (ended === undefined) return;
    if (ended.code === 0) await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, "tgen.toml"));
    await report(this.shell, ended);
  }

  private async install(): Promise<void> {
    if (await install(this.surroundings(), this.output)) await this.server.restart();
  }

  /** What the server sees of the active file; where there is no program, where it was looked for. */
  private async doctor(): Promise<void> {
    const file = vscode.window.activeTextEditor?.document.uri;
    const named = file?.scheme === "file" ? [file.fsPath] : [];
    const ended = await run(this.shell, ["lsp", "--doctor", ...named], folderOf(file));
    const seen = ended === undefined ? this.server.looks.join("\n") : ended.stdout + ended.stderr;
    await this.reports.show("What the language server sees", seen);
  }
}

function fileOf(argument: unknown): vscode.Uri | undefined {
  if (typeof argument === "string") return vscode.Uri.parse(argument);
  return argument instanceof vscode.Uri ? argument : vscode.window.activeTextEditor?.document.uri;
}

async function setContext(name: string, value: unknown): Promise<void> {
  await vscode.commands.executeCommand("setContext", name, value);
}
