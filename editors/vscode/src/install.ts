// The ways to install the program on this machine, each as the command that it is. It runs nothing and knows nothing of VS Code.

import * as path from "node:path";

import { executable, findOnPath, isExecutable, virtualEnvironment, type Surroundings } from "./program";

/** A command that installs the program. */
export interface Way {
  title: string;
  command: string;
  args: string[];
}

/** The ways that this machine has the tools for: for the project alone first. */
export function waysToInstall(at: Surroundings): Way[] {
  return [...intoVirtualEnvironments(at), ...forTheUser(at)];
}

export function commandLine(way: Way): string {
  return [way.command, ...way.args].map((word) => (word.includes(" ") ? `"${word}"` : word)).join(" ");
}

function intoVirtualEnvironments(at: Surroundings): Way[] {
  const uv = findOnPath("uv", at);
  const pythons = at.folders.map((folder) => path.join(virtualEnvironment(folder, at.platform), executable("python", at.platform)));
  return pythons.filter(isExecutable).map((python) => {
    const title = "Install into the project's virtual environment";
    // An environment that uv made has no pip.
    return uv === undefined
      ? { title, command: python, args: ["-m", "pip", "install", "cargo-tgen"] }
      : { title, command: uv, args: ["pip", "install", "--python", python, "cargo-tgen"] };
  });
}

function forTheUser(at: Surroundings): Way[] {
  const tools: [string, string[], string][] = [
    ["uv", ["tool", "install", "cargo-tgen"], "Install for the user with uv"],
    ["pipx", ["install", "cargo-tgen"], "Install for the user with pipx"],
    ["cargo", ["install", "cargo-tgen", "--locked"], "Compile and install with cargo: takes minutes"],
  ];
  return tools.flatMap(([tool, args, title]) => {
    const command = findOnPath(tool, at);
    return command === undefined ? [] : [{ title, command, args }];
  });
}
