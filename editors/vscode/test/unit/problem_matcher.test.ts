// The problem matcher of tasks, held against what the program really prints. TGEN_PROGRAM names the program.

import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";

import manifest from "../../package.json";

const [matcher] = manifest.contributes.problemMatchers;

/** What VS Code would list: the pattern's lines follow each other. */
function problems(text: string): string[] {
  const [head, place] = (matcher?.pattern ?? []).map((pattern) => new RegExp(pattern.regexp));
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    const [, severity, code, message] = head?.exec(line) ?? [];
    const [, file, row, column] = place?.exec(lines[at + 1] ?? "") ?? [];
    return severity === undefined || file === undefined ? [] : [`${severity} ${code} ${file}:${row}:${column} ${message}`];
  });
}

test("the problems of lint, check and generate are found, at their place", (context) => {
  const program: string = process.env["TGEN_PROGRAM"] ?? "";
  assert.notEqual(program, "", "TGEN_PROGRAM names no program");
  const root = mkdtempSync(path.join(tmpdir(), "tgen-matcher-"));
  context.after(() => rmSync(root, { recursive: true }));
  const toml = 'templates = "t"\n[[suite]]\nname = "s"\ntemplate = "t.py.tera"\nmodels = ["bert"]\noutput = "o_{{ normalized_name }}.py"\n';
  mkdirSync(path.join(root, "sub/t"), { recursive: true });
  writeFileSync(path.join(root, "sub/tgen.toml"), toml);
  writeFileSync(path.join(root, "sub/t/t.py.tera"), "x = {{ model_nam }}\n");
  for (const command of ["lint", "check", "generate"]) {
    const ended = spawnSync(program, ["tgen", command, "--root", "sub"], { cwd: root, encoding: "utf8" });
    assert.deepEqual(problems(ended.stdout + ended.stderr), ["error unknown-placeholder sub/t/t.py.tera:1:8 there is no placeholder `model_nam`"], command);
  }
});
