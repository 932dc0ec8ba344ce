// Uses the packaged extension in a real VS Code as a person would. Exits with 1 when something does not appear.
//
//   node dist/e2e/main.js --tools FOLDER --vsix FILE --inside FILE [--wheels FOLDER] [--shots FOLDER] [--only NAME]
//
// `--tools` is what `test/tools.sh` installs, `--vsix` the extension without a program, `--inside` the one with it, `--wheels` a
// folder with a wheel of the program.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";

import { INSTALLING } from "./installing";
import { FILES } from "./project";
import { play, type Steps } from "./session";
import { WORKING } from "./working";

interface Session {
  steps: Steps;
  vsix: string;
  environment?: Readonly<Record<string, string>>;
  prepare?: (project: string) => void;
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { tools: text, vsix: text, inside: text, wheels: text, shots: text, only: text } });
  const { tools, vsix, inside, wheels, only } = values;
  if (tools === undefined || vsix === undefined || inside === undefined || wheels === undefined) throw new Error("see the first lines of this file");
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "tgen-vscode-"));
  const shots = values.shots ?? path.join(work, "shots");
  const browser = fs.readFileSync(path.join(tools, "browser"), "utf8").trim();
  const sessions: Record<string, Session> = {
    working: { steps: WORKING, vsix: inside },
    installing: { steps: INSTALLING, vsix, environment: { PIP_NO_INDEX: "1", PIP_FIND_LINKS: path.resolve(wheels) }, prepare: makeVirtualEnvironment },
  };
  let failed = 0;
  for (const [name, session] of Object.entries(sessions)) {
    if (only !== undefined && only !== name) continue;
    session.prepare?.(path.join(work, name, "project"));
    const options = { installation: tools, vsix: path.resolve(session.vsix), work: path.join(work, name), files: FILES, environment: session.environment };
    failed += await play(name, session.steps, options, browser, shots);
  }
  console.log(failed === 0 ? `all passed; screenshots in ${shots}` : `${failed} failed; screenshots in ${shots}`);
  process.exit(failed === 0 ? 0 : 1);
}

function makeVirtualEnvironment(project: string): void {
  execFileSync("python3", ["-m", "venv", path.join(project, ".venv")]);
}

void main();
