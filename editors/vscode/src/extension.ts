// The extension: finds and starts the language server, and brings its commands and previews to VS Code.

import { execFile } from "node:child_process";
import * as path from "node:path";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  TransportKind,
  type DocumentSelector,
  type LanguageClientOptions,
} from "vscode-languageclient/node";

import { findProgram } from "./binary";
import { lensCommands } from "./lenses";
import { Previews } from "./preview";
import { isInside, templateFolders } from "./projects";
import * as protocol from "./protocol";

/** A server that ends so often is not started again. */
const RESTARTS = 3;

let running: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  running = new Extension();
  context.subscriptions.push(running);
  await running.start();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

class Extension implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel("cargo-tgen");
  private readonly status = vscode.window.createStatusBarItem("tgen.model", vscode.StatusBarAlignment.Right, 100);
  private readonly previews = new Previews(() => this.client);
  private readonly disposables: vscode.Disposable[];
  private client: LanguageClient | undefined;
  private program = "";
  private templates: string[] = [];
  private ended = 0;

  constructor() {
    this.status.name = "cargo-tgen preview model";
    this.status.command = "tgen.chooseModel";
    this.status.tooltip = "cargo-tgen: the model that previews, hints and completion show values for";
    const command = (name: string, work: (...args: unknown[]) => Promise<void>) =>
      vscode.commands.registerCommand(name, work);
    this.disposables = [
      this.output,
      this.status,
      this.previews,
      command("tgen.preview", (uri) => this.onTemplate(uri, (template) => this.previews.show(template))),
      command("tgen.diff", (uri) => this.onTemplate(uri, (template) => this.previews.diff(template))),
      command("tgen.chooseModel", (uri) => this.onTemplate(uri, (template) => this.chooseModel(template))),
      command("tgen.outputs", (uri) => this.onTemplate(uri, (template) => this.showOutputs(template))),
      command("tgen.generate", (uri, suites) => this.generate(uri, suites)),
      command("tgen.doctor", () => this.run(["lsp", "--doctor", ...this.activeFile()])),
      command("tgen.restart", () => this.restart()),
      vscode.window.onDidChangeActiveTextEditor(() => this.showStatus()),
      vscode.workspace.onDidOpenTextDocument((document) => this.setLanguage(document)),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("tgen.server")) void this.restart();
      }),
      this.watchConfigurations(),
    ];
  }

  async start(): Promise<void> {
    this.templates = await templateFolders();
    const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const setting = vscode.workspace.getConfiguration("tgen").get<string>("server.path", "");
    const found = await findProgram(setting, folders);
    if ("problem" in found) {
      this.output.appendLine(found.problem);
      void this.offerHelp(found.problem);
      return;
    }
    this.output.appendLine(`${found.program}: ${found.version}`);
    this.program = found.program;
    this.client = new LanguageClient("tgen", "cargo-tgen", this.serverOptions(), this.clientOptions());
    this.client.registerFeature(lensCommands);
    await this.client.start();
    for (const document of vscode.workspace.textDocuments) await this.setLanguage(document);
    await this.showStatus();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    // A server that is gone already has nothing to be stopped.
    await client?.dispose().catch(() => undefined);
  }

  dispose(): void {
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  private async restart(): Promise<void> {
    await this.stop();
    this.ended = 0;
    await this.start();
  }

  private serverOptions() {
    return { command: this.program, args: ["tgen", "lsp"], transport: TransportKind.stdio };
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: this.selector(),
      outputChannel: this.output,
      initializationFailedHandler: (error) => {
        void this.offerHelp(`the language server does not start: ${error.message}`);
        return false;
      },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => this.onEnd(),
      },
    };
  }

  /** What a file is, the server decides by its name; here is only what it should be asked about. */
  private selector(): DocumentSelector {
    const file = (filter: { language?: string; pattern?: string }) => ({ scheme: "file", ...filter });
    return [
      file({ language: "tgen-tera" }),
      file({ language: "tgen-dollar" }),
      file({ language: "python" }),
      file({ pattern: "**/{tgen,Cargo}.toml" }),
      file({ pattern: "**/*pipeline_map*.json" }),
      ...this.templates.map((folder) => file({ pattern: `${folder}/**` })),
    ] as DocumentSelector;
  }

  /** Said once, with the way to the server's last words; a server that ends again and again is left alone. */
  private onEnd() {
    this.ended += 1;
    if (this.ended <= RESTARTS) {
      return { action: CloseAction.Restart, handled: true };
    }
    void this.offerHelp("the language server ended several times; its last words are in the output channel");
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  private async offerHelp(problem: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(`cargo-tgen: ${problem}`, "Show Output", "Open Settings");
    if (choice === "Show Output") this.output.show();
    if (choice === "Open Settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "tgen.server.path");
    }
  }

  private watchConfigurations(): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher("**/tgen.toml");
    const renew = async () => {
      const before = this.templates.join("\n");
      this.templates = await templateFolders();
      if (this.templates.join("\n") !== before) await this.restart();
      this.previews.renew();
    };
    watcher.onDidChange(renew);
    watcher.onDidCreate(renew);
    watcher.onDidDelete(renew);
    return watcher;
  }

  /** A Python file in a templates folder is a template with `${}`. */
  private async setLanguage(document: vscode.TextDocument): Promise<void> {
    const wanted = vscode.workspace.getConfiguration("tgen").get<boolean>("dollarLanguage", true);
    if (wanted && document.languageId === "python" && isInside(document.uri.fsPath, this.templates)) {
      await vscode.languages.setTextDocumentLanguage(document, "tgen-dollar");
    }
  }

  /** The preview model, while a template is in front. */
  private async showStatus(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const isTemplate = document !== undefined && this.isTemplate(document);
    await vscode.commands.executeCommand("setContext", "tgen.isTemplate", isTemplate);
    if (document === undefined || !isTemplate) {
      this.status.hide();
      return;
    }
    const known = await this.client?.sendRequest(protocol.models, { textDocument: { uri: document.uri.toString() } });
    this.status.text = `$(beaker) ${known?.current ?? "no model"}`;
    this.status.show();
  }

  private isTemplate(document: vscode.TextDocument): boolean {
    return document.languageId.startsWith("tgen-") || isInside(document.uri.fsPath, this.templates);
  }

  private async chooseModel(template: vscode.Uri): Promise<void> {
    const textDocument = { uri: template.toString() };
    const known = await this.client?.sendRequest(protocol.models, { textDocument });
    const placeHolder = `The model to show values for (now ${known?.current ?? "none"})`;
    const model = await vscode.window.showQuickPick(known?.models ?? [], { placeHolder });
    if (model === undefined) return;
    await this.client?.sendRequest(protocol.setPreview, { textDocument, model });
    this.previews.renew();
    await this.showStatus();
  }

  private async onTemplate(argument: unknown, work: (template: vscode.Uri) => Promise<void>): Promise<void> {
    const named = typeof argument === "string" ? vscode.Uri.parse(argument) : argument instanceof vscode.Uri ? argument : undefined;
    const template = named ?? vscode.window.activeTextEditor?.document.uri;
    if (template !== undefined) await work(template);
  }

  /** Lists the outputs of a template, those first that are not what they should be, and opens the chosen one. */
  private async showOutputs(template: vscode.Uri): Promise<void> {
    const found = await this.client?.sendRequest(protocol.outputs, { textDocument: { uri: template.toString() } });
    const items = (found?.outputs ?? []).map((output) => ({
      label: output.subject,
      description: output.standing,
      detail: output.uri === null ? undefined : vscode.workspace.asRelativePath(vscode.Uri.parse(output.uri)),
      output,
    }));
    const choice = await vscode.window.showQuickPick(items, { placeHolder: "The outputs of this template", matchOnDescription: true });
    if (choice === undefined || choice.output.uri === null) return;
    if (choice.output.standing === "missing") {
      void vscode.window.showInformationMessage(`cargo-tgen: \`${choice.detail ?? ""}\` is not there yet; generate it first`);
      return;
    }
    await vscode.window.showTextDocument(vscode.Uri.parse(choice.output.uri));
  }

  /** Generates what a lens names, from the template as it is shown; without a lens, everything. */
  private async generate(uri: unknown, suites: unknown): Promise<void> {
    const template = typeof uri === "string" ? vscode.Uri.parse(uri) : undefined;
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === template?.toString());
    if (document?.isDirty === true) await document.save();
    const named = Array.isArray(suites) ? suites.filter((suite) => typeof suite === "string") : [];
    await this.run(["generate", ...named.flatMap((suite) => ["--suite", suite])], template?.fsPath);
  }

  private activeFile(): string[] {
    const uri = vscode.window.activeTextEditor?.document.uri;
    return uri?.scheme === "file" ? [uri.fsPath] : [];
  }

  /** Runs the program in the folder of a file, or of the active one, and shows what it says. */
  private async run(args: string[], about?: string): Promise<void> {
    const file = about ?? this.activeFile()[0];
    const cwd = file === undefined ? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath : path.dirname(file);
    const title = `cargo tgen ${args[0] ?? ""}`;
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => {
      return new Promise<void>((done) => {
        execFile(this.program, ["tgen", ...args], { cwd, env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) => {
          this.output.append(`$ ${title}\n${stdout}${stderr}`);
          this.output.show(true);
          if (error?.code !== undefined && error.code !== 1) void this.offerHelp(`\`${title}\` failed: ${stderr.trim()}`);
          this.previews.renew();
          done();
        });
      });
    });
  }
}
