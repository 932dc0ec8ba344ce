// A real VS Code (code-server) with a fresh profile, one packaged extension, and nothing of this machine: no PATH, no home.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";

const START_MS = 120_000;
const POLL_MS = 200;

/** Keeps VS Code quiet, and its pictures the same. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Light Modern",
  "workbench.tips.enabled": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "git.enabled": false,
  "editor.wordBasedSuggestions": "off",
  "editor.minimap.enabled": false,
  "files.autoSave": "off",
  "files.hotExit": "off",
  "window.menuBarVisibility": "compact",
};

/** What a session is started with. */
export interface Options {
  /** The folder of code-server's installation. */
  installation: string;
  /** The packaged extension. */
  vsix: string;
  /** A new folder for everything that is written. */
  work: string;
  /** The project's files. */
  files: Readonly<Record<string, string>>;
  /** Further variables of the environment, which is empty otherwise. */
  environment?: Readonly<Record<string, string>>;
}

export class CodeServer {
  readonly project: string;
  private readonly port = 20_000 + Math.floor(Math.random() * 20_000);
  private child: ChildProcess | undefined;

  constructor(private readonly options: Options) {
    this.project = path.join(options.work, "project");
  }

  async start(): Promise<void> {
    const { work, vsix, files } = this.options;
    write(this.project, files);
    write(path.join(work, "data/User"), { "settings.json": JSON.stringify(SETTINGS) });
    this.run(["--install-extension", vsix]);
    const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override"];
    const log = fs.openSync(path.join(work, "code-server.log"), "w");
    const args = [...this.base(), "--auth", "none", "--bind-addr", this.address, ...quiet, this.project];
    this.child = spawn(process.execPath, args, { stdio: ["ignore", log, log], env: this.environment() });
    const end = Date.now() + START_MS;
    while (!(await answers(`http://${this.address}/healthz`))) {
      if (Date.now() > end) throw new Error(`code-server does not start: ${fs.readFileSync(path.join(work, "code-server.log"), "utf8")}`);
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  stop(): void {
    this.child?.kill();
  }

  /** The address of the workbench, with a file open. */
  url(file: string): string {
    const open = [["openFile", `vscode-remote://${this.address}${path.join(this.project, file)}`]];
    return `http://${this.address}/?${new URLSearchParams({ folder: this.project, payload: JSON.stringify(open) }).toString()}`;
  }

  /** What the server and the extension said, to find out why a step failed. */
  logs(): string {
    const folder = path.join(this.options.work, "data/logs");
    const files = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    const ours = files.filter((file) => file.includes("cargo-tgen") && file.endsWith(".log"));
    return ours.map((file) => fs.readFileSync(path.join(folder, file), "utf8")).join("\n");
  }

  private get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  private run(args: string[]): void {
    execFileSync(process.execPath, [...this.base(), ...args], { stdio: "pipe", env: this.environment() });
  }

  private base(): string[] {
    const { installation, work } = this.options;
    const entry = path.join(installation, "node_modules/code-server/out/node/entry.js");
    return [entry, "--user-data-dir", path.join(work, "data"), "--extensions-dir", path.join(work, "extensions"), "--config", path.join(work, "none.yaml")];
  }

  private environment(): Record<string, string> {
    return { PATH: "", HOME: path.join(this.options.work, "home"), EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...this.options.environment };
  }
}

function write(folder: string, contents: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(contents)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    http.get(url, (response) => done(response.resume().statusCode === 200)).on("error", () => done(false));
  });
}
