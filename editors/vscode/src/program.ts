// Where the program is looked for, and which of those that are found can be run. It knows nothing of VS Code.

import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long a program may take to say its version. */
const VERSION_TIMEOUT_MS = 10_000;

/** What the search depends on. */
export interface Surroundings {
  /** The setting `tgen.server.path`; empty where it is not set. */
  setting: string;
  /** The folder of the extension. */
  extension: string;
  /** The folders of the workspace, then those with a `tgen.toml`. */
  folders: readonly string[];
  home: string;
  environment: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
}

/** A file that may be the program, and how the user would name its place. */
export interface Candidate {
  file: string;
  place: string;
}

/** A candidate that was looked at; `problem` says why it does not serve. */
export interface Look extends Candidate {
  problem?: string;
}

export interface Program extends Candidate {
  version: string;
}

/** The program that serves, if there is one, and what was looked at on the way to it. */
export interface Search {
  program?: Program;
  /** Why there is no program, in a sentence. */
  problem: string;
  looks: Look[];
}

/** Every place of the program, the one that wins first. A setting leaves no choice. */
export function candidates(at: Surroundings): Candidate[] {
  const name = executable("cargo-tgen", at.platform);
  if (at.setting !== "") {
    return [{ file: path.resolve(at.folders[0] ?? at.home, at.setting), place: "the setting `tgen.server.path`" }];
  }
  const cargo = at.environment["CARGO_HOME"] ?? path.join(at.home, ".cargo");
  const places: [string, string[]][] = [
    ["inside the extension", [path.join(at.extension, "server")]],
    ["the project's virtual environment", at.folders.map((folder) => virtualEnvironment(folder, at.platform))],
    ["cargo's programs", [path.join(cargo, "bin")]],
    ["on PATH", onPath(at)],
    ["the user's programs", [path.join(at.home, ".local", "bin")]],
    ["built in the workspace", at.folders.flatMap((folder) => ["release", "debug"].map((profile) => path.join(folder, "target", profile)))],
  ];
  const all = places.flatMap(([place, folders]) => folders.map((folder) => ({ file: path.join(folder, name), place })));
  return all.filter((candidate, at) => all.findIndex((other) => other.file === candidate.file) === at);
}

/** Looks at one place after the other until a program runs. */
export async function findProgram(at: Surroundings): Promise<Search> {
  const looks: Look[] = [];
  for (const candidate of candidates(at)) {
    const found = isExecutable(candidate.file) ? await versionOf(candidate.file) : { problem: "not there" };
    if ("version" in found) return { program: { ...candidate, version: found.version }, problem: "", looks };
    looks.push({ ...candidate, problem: found.problem });
  }
  return { problem: problemOf(looks), looks };
}

/** The search as lines for the user to read. */
export function describe(search: Search): string[] {
  const looks = search.looks.map((look) => `${look.place}: ${look.file}: ${look.problem ?? ""}`);
  const { program } = search;
  return program === undefined ? looks : [...looks, `${program.place}: ${program.file}: ${program.version}`];
}

/** The program of that name in the folders of PATH. */
export function findOnPath(name: string, at: Surroundings): string | undefined {
  const files = onPath(at).map((folder) => path.join(folder, executable(name, at.platform)));
  return files.find(isExecutable);
}

/** The folder with the programs of a folder's virtual environment. */
export function virtualEnvironment(folder: string, platform: NodeJS.Platform): string {
  return path.join(folder, ".venv", platform === "win32" ? "Scripts" : "bin");
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export function executable(name: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? `${name}.exe` : name;
}

function onPath(at: Surroundings): string[] {
  return (at.environment["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

function problemOf(looks: readonly Look[]): string {
  const broken = looks.find((look) => look.problem !== "not there");
  if (broken !== undefined) return `\`${broken.file}\` (${broken.place}) does not run: ${broken.problem ?? ""}`;
  const [only, ...others] = looks;
  return only !== undefined && others.length === 0
    ? `\`${only.file}\`, which is ${only.place}, is not a program that can be run`
    : "the program `cargo-tgen` was not found; install it, or set `tgen.server.path`";
}

async function versionOf(file: string): Promise<{ version: string } | { problem: string }> {
  try {
    const { stdout } = await run(file, ["--version"], { timeout: VERSION_TIMEOUT_MS });
    const version = stdout.split("\n")[0]?.trim() ?? "";
    return version.startsWith("cargo-tgen ") ? { version } : { problem: `it says \`${version}\`, so it is another program` };
  } catch (error) {
    return { problem: reason(error) };
  }
}

function reason(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return (stderr ?? "").trim().split("\n")[0] || (message ?? String(error));
}
