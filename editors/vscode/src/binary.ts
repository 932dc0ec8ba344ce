// Finds the program, and says in a sentence why there is none. It starts no server.

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const NAME = process.platform === "win32" ? "cargo-tgen.exe" : "cargo-tgen";

/** A program that can serve, or what to tell the user. */
export type Found = { program: string; version: string } | { problem: string };

/** The program that the setting names, else one on PATH, else one that was built in a workspace folder. */
export async function findProgram(setting: string, folders: readonly string[]): Promise<Found> {
  if (setting !== "") {
    const program = path.isAbsolute(setting) || folders[0] === undefined ? setting : path.resolve(folders[0], setting);
    return isProgram(program)
      ? check(program)
      : { problem: `\`${program}\`, which the setting \`tgen.server.path\` names, cannot be run` };
  }
  const program = candidates(folders).find(isProgram);
  return program === undefined
    ? { problem: "the program `cargo-tgen` is neither on PATH nor in `target/`; install it, or set `tgen.server.path`" }
    : check(program);
}

function candidates(folders: readonly string[]): string[] {
  const onPath = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const built = folders.flatMap((folder) => ["release", "debug"].map((profile) => path.join(folder, "target", profile)));
  return [...onPath, ...built].map((folder) => path.join(folder, NAME));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether the program knows what we need of it. */
async function check(program: string): Promise<Found> {
  try {
    const { stdout } = await run(program, ["--version"], { timeout: 10_000 });
    const version = stdout.trim();
    try {
      await run(program, ["tgen", "lsp", "--help"], { timeout: 10_000 });
      return { program, version };
    } catch {
      return { problem: `\`${program}\` (${version}) is too old: it has no language server; install a newer one` };
    }
  } catch (error) {
    return { problem: `\`${program}\` does not run: ${error instanceof Error ? error.message : String(error)}` };
  }
}
