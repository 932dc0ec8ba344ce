// Packages the extension, with the program inside where one is named:
//
//   node scripts/package.mjs [--program PATH/TO/cargo-tgen [--target linux-x64]] [--out FILE]
//
// The target is the platform of the program, as VS Code names it; without it, this one.
// Version and repository are the workspace's (Cargo.toml), the changelog is the project's: nothing is said twice. A library of
// DuckDB that lies beside the program goes with it.

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const FILES = ["dist/extension.js", "images", "syntaxes", "language-configuration.json", "language-configuration-dollar.json", "language-configuration-toml.json"];
const LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"];
const LIBRARIES = ["libduckdb.so", "libduckdb.dylib", "duckdb.dll"];
/** What has to go with a library of DuckDB. */
const DUCKDB_LICENSE = "packaging/LICENSE-DUCKDB";
/** Stands in `repository` until the project has an address. */
const PLACEHOLDER = "OWNER";

const HOST = `${process.platform}-${process.arch}`;

const here = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const project = resolve(here, "../..");
const stage = join(here, "dist", "stage");

function main() {
  const { values } = parseArgs({ options: { target: { type: "string" }, program: { type: "string" }, out: { type: "string" } } });
  const target = values.target ?? (values.program === undefined ? undefined : HOST);
  if (values.program === undefined && target !== undefined) throw new Error("`--target` is the platform of a `--program`");
  const out = resolve(values.out ?? join(here, target === undefined ? "cargo-tgen.vsix" : `cargo-tgen-${target}.vsix`));
  const cargo = readFileSync(join(project, "Cargo.toml"), "utf8");
  const repository = addressOf(cargo);
  rmSync(stage, { recursive: true, force: true });
  FILES.forEach((file) => cpSync(join(here, file), join(stage, file), { recursive: true }));
  LICENSES.forEach((file) => cpSync(join(project, file), join(stage, file)));
  cpSync(join(project, "CHANGELOG.md"), join(stage, "CHANGELOG.md"));
  writeFileSync(join(stage, "README.md"), withWholeLinks(readFileSync(join(here, "README.md"), "utf8"), repository));
  writeFileSync(join(stage, "package.json"), JSON.stringify(manifest(value(cargo, "version"), repository), null, 2));
  // Everything that was staged is shipped.
  writeFileSync(join(stage, ".vscodeignore"), "");
  if (values.program !== undefined) putInside(resolve(values.program), target);
  const vsce = join(here, "node_modules", "@vscode", "vsce", "vsce");
  const quiet = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--skip-license"];
  execFileSync(process.execPath, [vsce, "package", ...(target === undefined ? [] : ["--target", target]), ...quiet, "--out", out], { cwd: stage, stdio: "inherit" });
}

/** The manifest as users get it. */
function manifest(version, repository) {
  const { private: _private, scripts: _scripts, devDependencies: _tools, ...shipped } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  const addresses = repository === undefined ? {} : {
    repository: { type: "git", url: repository, directory: "editors/vscode" },
    homepage: `${repository}/blob/HEAD/docs/editors.md`,
    bugs: { url: `${repository}/issues` },
  };
  return { ...shipped, version, ...addresses };
}

/** Links and pictures of the README lead to the repository: a package has no other files to link to. Without one, they go. */
function withWholeLinks(readme, repository) {
  const whole = (path) => new URL(path, `${repository}/blob/HEAD/editors/vscode/`).href;
  const picture = (path) => new URL(path, `${repository}/raw/HEAD/editors/vscode/`).href;
  return readme
    .replace(/!\[([^\]]*)\]\((?!https:)([^)]+)\)\n*/g, (_, text, path) => (repository === undefined ? "" : `![${text}](${picture(path)})\n\n`))
    .replace(/(?<!!)\[([^\]]*)\]\((?!https:|#)([^)]+)\)/g, (_, text, path) => (repository === undefined ? text : `[${text}](${whole(path)})`));
}

function putInside(program, target) {
  const server = join(stage, "server");
  const name = target.startsWith("win32") ? "cargo-tgen.exe" : "cargo-tgen";
  mkdirSync(server, { recursive: true });
  cpSync(program, join(server, name), { dereference: true });
  chmodSync(join(server, name), 0o755);
  const beside = LIBRARIES.map((library) => join(dirname(program), library)).filter(existsSync);
  beside.forEach((library) => cpSync(library, join(server, library.slice(dirname(library).length + 1)), { dereference: true }));
  if (beside.length > 0) cpSync(join(project, DUCKDB_LICENSE), join(stage, "LICENSE-DUCKDB"));
  if (target !== HOST) return;
  // What was built here is run here, with nothing of this machine to lean on.
  const version = execFileSync(join(server, name), ["--version"], { env: {}, encoding: "utf8" });
  console.log(`inside: ${version.split("\n")[0]}${beside.length > 0 ? ", with DuckDB's library" : ""}`);
}

function addressOf(cargo) {
  const address = value(cargo, "repository");
  return address === undefined || address.includes(PLACEHOLDER) ? undefined : address;
}

/** A string of `[workspace.package]`. */
function value(cargo, key) {
  const section = cargo.split(/^\[/m).find((section) => section.startsWith("workspace.package]")) ?? "";
  return new RegExp(`^${key} *= *"([^"]*)"`, "m").exec(section)?.[1];
}

main();
