// The language server's process: finds the program, starts and ends it, and says how it is.

import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  State,
  TransportKind,
  type DocumentSelector,
  type LanguageClientOptions,
} from "vscode-languageclient/node";

import { lensCommands } from "./lenses";
import { describe, findProgram, type Program, type Surroundings } from "./program";

/** A server that ends more often than this is not started again. */
const RESTARTS = 3;

/** How the server is. */
export type Health =
  | { is: "starting" }
  | { is: "running"; program: Program }
  /** There is no program that could serve. */
  | { is: "missing"; problem: string }
  | { is: "ended"; problem: string };

export class Server implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Health>();
  private current: Health = { is: "starting" };
  private running: LanguageClient | undefined;
  private found: Program | undefined;
  private looked: string[] = [];
  private ended = 0;

  readonly onDidChangeHealth = this.changed.event;

  constructor(
    private readonly output: vscode.OutputChannel,
    private readonly surroundings: () => Surroundings,
    private readonly templates: () => readonly string[],
  ) {}

  get health(): Health {
    return this.current;
  }

  /** The way to the server, while it runs. */
  get client(): LanguageClient | undefined {
    return this.running;
  }

  /** The program, whether its server runs or not. */
  get program(): Program | undefined {
    return this.found;
  }

  /** Where the program was looked for, as lines to read. */
  get looks(): readonly string[] {
    return this.looked;
  }

  async start(): Promise<void> {
    this.become({ is: "starting" });
    const search = await findProgram(this.surroundings());
    this.looked = describe(search);
    this.looked.forEach((line) => this.output.appendLine(line));
    this.found = search.program;
    if (search.program === undefined) return this.become({ is: "missing", problem: search.problem });
    const client = new LanguageClient("tgen", "cargo-tgen", serverOptions(search.program), this.clientOptions());
    client.registerFeature(lensCommands);
    client.onDidChangeState(({ newState }) => this.follow(client, newState));
    this.running = client;
    // Where it does not start, the handler below has said so.
    await client.start().catch(() => undefined);
  }

  async stop(): Promise<void> {
    const client = this.running;
    this.running = undefined;
    // A server that is gone already has nothing to be stopped.
    await client?.dispose().catch(() => undefined);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.ended = 0;
    await this.start();
  }

  dispose(): void {
    this.changed.dispose();
  }

  private become(health: Health): void {
    this.current = health;
    this.changed.fire(health);
  }

  private follow(client: LanguageClient, state: State): void {
    if (client !== this.running || this.found === undefined) return;
    if (state === State.Running) this.become({ is: "running", program: this.found });
    if (state === State.Starting) this.become({ is: "starting" });
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: this.selector(),
      outputChannel: this.output,
      initializationFailedHandler: (error) => {
        this.become({ is: "ended", problem: `the language server does not start: ${error.message}` });
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
      ...this.templates().map((folder) => file({ pattern: `${folder}/**` })),
    ] as DocumentSelector;
  }

  /** A server that ends again and again is left alone. */
  private onEnd() {
    this.ended += 1;
    if (this.ended <= RESTARTS) return { action: CloseAction.Restart, handled: true };
    this.become({ is: "ended", problem: "the language server ended several times; its last words are in the output channel" });
    return { action: CloseAction.DoNotRestart, handled: true };
  }
}

function serverOptions(program: Program) {
  return { command: program.file, args: ["tgen", "lsp"], transport: TransportKind.stdio };
}
