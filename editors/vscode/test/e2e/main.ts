// Packages the extension and uses it in a real VS Code as a person would. Exits with 1 when something does not appear.
//
//   node dist/e2e/main.js --tools FOLDER --program FILE [--shots FOLDER] [--only NAME]
//
// `--tools` is what `test/tools.sh` installs, `--program` the program that goes inside, `--only` the name of a session.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";

import { INSTALLING } from "./installing";
import { FILES } from "./project";
import { play, type Steps } from "./session";
import { WORKING } from "./working";

const EXTENSION = path.join(__dirname, "../..");

/** A session before it is started: what is packaged, and what there is besides. */
interface Session {
  steps: Steps;
  /** Arguments of the packaging script. */
  packaging: readonly string[];
  environment?: Readonly<Record<string, string>>;
  prepare?: (project: string) => void;
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { tools: text, program: text, shots: text, only: text } });
  if (values.tools === undefined || values.program === undefined) throw new Error("`--tools` and `--program` are needed");
  const tools = path.resolve(values.tools);
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "tgen-vscode-"));
  const shots = values.shots === undefined ? undefined : path.resolve(values.shots);
  const browser = fs.readFileSync(path.join(tools, "browser"), "utf8").trim();
  let failed = 0;
  for (const [name, session] of Object.entries(sessions(path.resolve(values.program), work))) {
    if (values.only !== undefined && values.only !== name) continue;
    const folder = path.join(work, name);
    session.prepare?.(path.join(folder, "project"));
    const vsix = path.join(work, `${name}.vsix`);
    execFileSync(process.execPath, [path.join(EXTENSION, "scripts/package.mjs"), ...session.packaging, "--out", vsix]);
    const options = { installation: tools, vsix, work: folder, files: FILES, environment: session.environment };
    failed += await play(name, session.steps, options, browser, shots);
  }
  // What failed is there to be looked at.
  if (failed === 0) fs.rmSync(work, { recursive: true, force: true });
  console.log(failed === 0 ? "all passed" : `${failed} failed; pictures in ${shots ?? work}`);
  process.exit(failed === 0 ? 0 : 1);
}

function sessions(program: string, work: string): Record<string, Session> {
  const wheels = path.join(work, "wheels");
  return {
    working: { steps: WORKING, packaging: ["--program", program] },
    installing: {
      steps: INSTALLING,
      packaging: [],
      // Where the package index would be asked, there is a wheel of the program.
      environment: { PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels },
      prepare: (project) => {
        execFileSync("python3", [path.join(EXTENSION, "test/wheel.py"), program, wheels]);
        execFileSync("python3", ["-m", "venv", path.join(project, ".venv")]);
      },
    },
  };
}

void main();
