import * as assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { commandLine, waysToInstall } from "../../src/install";
import { candidates, describe, findProgram, type Surroundings } from "../../src/program";

let root = "";

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "tgen-program-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function at(change: Partial<Surroundings> = {}): Surroundings {
  const environment = { PATH: ["a", "b"].map((folder) => path.join(root, folder)).join(path.delimiter) };
  const folders = [path.join(root, "project")];
  return { setting: "", extension: path.join(root, "extension"), folders, home: path.join(root, "home"), environment, platform: "linux", ...change };
}

/** Puts a script where a program would be. */
function put(file: string, lines: string): void {
  const whole = path.join(root, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, `#!/bin/sh\n${lines}\n`);
  chmodSync(whole, 0o755);
}

function putVersion(file: string, version: string): void {
  put(file, `echo 'cargo-tgen ${version}'`);
}

const ORDER = [
  "extension/server/cargo-tgen",
  "project/.venv/bin/cargo-tgen",
  "home/.cargo/bin/cargo-tgen",
  "a/cargo-tgen",
  "b/cargo-tgen",
  "home/.local/bin/cargo-tgen",
  "project/target/release/cargo-tgen",
  "project/target/debug/cargo-tgen",
];

test("the program is looked for inside the extension first, then from the project outwards", () => {
  assert.deepEqual(candidates(at()).map(({ file }) => path.relative(root, file)), ORDER);
});

test("a program wins over all that come after it", async () => {
  for (const [number, file] of [...ORDER.entries()].reverse()) {
    putVersion(file, `0.${number}.0`);
    const { program } = await findProgram(at());
    assert.deepEqual([program?.file, program?.version], [path.join(root, file), `cargo-tgen 0.${number}.0`]);
  }
});

test("a setting leaves no choice, and is relative to the first folder", async () => {
  ORDER.forEach((file) => putVersion(file, "0.1.0"));
  putVersion("project/bin/mine", "0.2.0");
  assert.equal((await findProgram(at({ setting: "bin/mine" }))).program?.version, "cargo-tgen 0.2.0");
  const missing = await findProgram(at({ setting: "bin/other" }));
  assert.equal(missing.program, undefined);
  assert.match(missing.problem, /bin\/other`, which is the setting `tgen.server.path`, is not a program/);
});

test("a program that does not run is named, and the next one serves", async () => {
  put("extension/server/cargo-tgen", "echo 'libduckdb.so: cannot open' >&2; exit 127");
  const alone = await findProgram(at());
  assert.match(alone.problem, /extension\/server\/cargo-tgen` \(inside the extension\) does not run: libduckdb.so: cannot open/);
  putVersion("b/cargo-tgen", "0.1.0");
  const found = await findProgram(at());
  assert.equal(found.program?.place, "on PATH");
  assert.match(describe(found)[0] ?? "", /cannot open$/);
});

test("another program of that name does not serve", async () => {
  put("a/cargo-tgen", "echo 'tgen 7'");
  assert.match((await findProgram(at())).problem, /another program/);
});

test("with an empty PATH and nothing installed, the way on is named", async () => {
  const { problem, looks } = await findProgram(at({ environment: { PATH: "" } }));
  assert.equal(problem, "the program `cargo-tgen` was not found; install it, or set `tgen.server.path`");
  assert.ok(looks.every((look) => look.problem === "not there"));
});

test("Windows keeps programs elsewhere", () => {
  const files = candidates(at({ platform: "win32" })).map(({ file }) => path.relative(root, file));
  assert.deepEqual(files.slice(0, 2), ["extension/server/cargo-tgen.exe", "project/.venv/Scripts/cargo-tgen.exe"]);
});

test("cargo's folder can be elsewhere", () => {
  const environment = { PATH: "", CARGO_HOME: path.join(root, "cargo") };
  assert.ok(candidates(at({ environment })).some(({ file }) => file === path.join(root, "cargo/bin/cargo-tgen")));
});

test("only what this machine can run is offered for installing", () => {
  const offered = () => waysToInstall(at()).map((way) => commandLine(way).replaceAll(`${root}/`, ""));
  assert.deepEqual(offered(), []);
  put("a/cargo", "");
  assert.deepEqual(offered(), ["a/cargo install cargo-tgen --locked"]);
  put("project/.venv/bin/python", "");
  put("a/pipx", "");
  assert.deepEqual(offered().slice(0, 2), ["project/.venv/bin/python -m pip install cargo-tgen", "a/pipx install cargo-tgen"]);
  put("b/uv", "");
  assert.equal(offered()[0], "b/uv pip install --python project/.venv/bin/python cargo-tgen");
});
