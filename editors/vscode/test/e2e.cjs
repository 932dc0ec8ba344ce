// Loads the packaged extension into a real VS Code (code-server) with a fresh profile, uses it as a person would, and takes
// screenshots. Exits with 1 when something does not appear.
//
//   TGEN_PROGRAM=target/debug/cargo-tgen CODE_SERVER=FOLDER/node_modules/.bin/code-server node test/e2e.cjs
//
// CHROMIUM names the browser (default /usr/bin/chromium), SHOTS the folder of the screenshots (default: a temporary one).

const { execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const here = path.join(__dirname, "..");
const work = fs.mkdtempSync(path.join(os.tmpdir(), "tgen-vscode-"));
const shots = process.env.SHOTS ?? path.join(work, "shots");
const project = path.join(work, "project");
const port = 18000 + (process.pid % 1000);
const address = `127.0.0.1:${port}`;
const program = path.resolve(process.env.TGEN_PROGRAM ?? "");
const codeServer = process.env.CODE_SERVER ?? "code-server";

const files = {
  "tgen.toml": `templates = "templates"

[placeholders]
organisation = "acme"

[[suite]]
name = "skillset"
template = "skillset.py.tera"
models = ["bert", "vit", "whisper", "llava"]
output = "test/test_hf_{{ normalized_name }}.py"

[[suite]]
name = "tasks"
template = "tasks.py.tera"
models = ["bert", "vit", "whisper", "llava"]
output = "test/tasks/test_{{ normalized_name }}.py"

[[suite]]
name = "matrix"
template = "matrix.py"
models = ["bert", "vit"]
batch-sizes = [1, 4]
output = "test/matrix/test_{{ normalized_name }}_b{{ batch_size }}.py"
`,
  "templates/skillset.py.tera": `{# The tests of one model. #}
"""Tests of {{ model_name }}, by {{ organisation }}."""

import pytest

MODEL = {{ model_nam | py_str }}
TASKS = {{ tasks | py_str }}


{% for task in tasks %}
def test_{{ task | py_ident }}() -> None:
    assert MODEL, "{{ task }} of {{ model_family }}"


{% endfor %}
`,
  "templates/tasks.py.tera": `"""The tasks of {{ model_name }}, by {{ organisation }}."""

import pytest

TASKS = {{ tasks | py_str }}


@pytest.mark.parametrize("task", TASKS)
def test_task_of_{{ normalized_name }}(task: str) -> None:
    assert task.islower()
`,
  "templates/matrix.py": `"""Tests of \${model_name}."""

BATCH = \${batch_size}
PLAIN = {"dict": "stays"}
`,
};

// Where a program is, a remote VS Code takes from the settings of its machine alone.
const machineSettings = { "tgen.server.path": program };

const settings = {
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
};

function write(folder, contents) {
  for (const [name, text] of Object.entries(contents)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
}

async function startCodeServer() {
  write(project, files);
  write(path.join(work, "data/User"), { "settings.json": JSON.stringify(settings) });
  write(path.join(work, "data/Machine"), { "settings.json": JSON.stringify(machineSettings) });
  const config = path.join(work, "config.yaml");
  fs.writeFileSync(config, `bind-addr: ${address}\nauth: none\ncert: false\n`);
  const folders = ["--user-data-dir", path.join(work, "data"), "--extensions-dir", path.join(work, "ext"), "--config", config];
  execFileSync(codeServer, [...folders, "--install-extension", path.join(here, "cargo-tgen.vsix")], { stdio: "ignore" });
  const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override"];
  const log = fs.openSync(path.join(work, "code-server.log"), "w");
  const server = spawn(codeServer, [...folders, ...quiet, project], {
    stdio: ["ignore", log, log],
    env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' },
  });
  for (let attempt = 0; attempt < 240; attempt += 1) {
    if (await answers(`http://${address}/healthz`)) return server;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new Error("code-server does not start");
}

function answers(url) {
  return new Promise((done) => {
    http.get(url, (response) => done(response.resume().statusCode === 200)).on("error", () => done(false));
  });
}

function url(file) {
  const payload = [["openFile", `vscode-remote://${address}${path.join(project, file)}`]];
  return `http://${address}/?${new URLSearchParams({ folder: project, payload: JSON.stringify(payload) })}`;
}

const steps = {
  async "a mistyped placeholder is underlined"(page) {
    await page.goto(url("templates/skillset.py.tera"));
    await page.waitForSelector(".monaco-editor .cdr.squiggly-error");
    await page.waitForSelector(lens("4 outputs · 4 broken"));
    await page.mouse.click(640, 700);
    await page.waitForTimeout(500);
    await shot(page, "diagnostics");
  },

  async "the problem is listed once"(page) {
    await page.keyboard.press("Control+Shift+M");
    await page.waitForSelector('.markers-panel .monaco-list-row:has-text("model_nam")');
    const rows = await page.$$eval(".markers-panel .monaco-list-row", (found) => found.map((row) => row.innerText));
    const about = rows.filter((row) => row.includes("there is no placeholder"));
    if (about.length !== 1) throw new Error(`listed ${about.length} times: ${JSON.stringify(rows)}`);
    await page.keyboard.press("Control+Shift+M");
  },

  async "placeholders are completed in an unfinished tag"(page) {
    await atEnd(page);
    await page.keyboard.type("# {{ mo", { delay: 30 });
    await page.keyboard.press("Control+Space");
    const row = '.suggest-widget.visible .monaco-list-row:has-text("model_family")';
    await page.waitForSelector(row);
    // The details of the entry in focus come a moment after the list.
    await page.waitForTimeout(700);
    await shot(page, "completion");
    await page.keyboard.press("Escape");
  },

  async "a value is shown where the pointer rests"(page) {
    const name = page.locator(".view-line", { hasText: "Tests of" }).locator('span:text-is("model_name")').first();
    await name.hover();
    await page.waitForSelector(".monaco-hover:not(.hidden) .hover-row:has-text(\"bert\")");
    // It fades in.
    await page.waitForTimeout(500);
    await shot(page, "hover");
  },

  async "lenses above a template count its outputs"(page) {
    await page.goto(url("templates/tasks.py.tera"));
    await page.waitForSelector(lens("4 outputs · 4 missing"));
    await page.waitForSelector(lens("preview bert"));
  },

  async "a lens generates, and the count follows"(page) {
    await page.click(`${lens("generate")} >> text=generate`);
    await page.waitForSelector(lens("4 outputs · all fresh"));
    await command(page, "View: Hide Panel");
    await atEnd(page);
    await page.keyboard.type("    assert task\n", { delay: 10 });
    await page.waitForSelector(lens("4 outputs · 4 stale"));
    await page.mouse.move(640, 700);
    await page.waitForTimeout(500);
    await shot(page, "lenses");
  },

  async "a lens lists the outputs"(page) {
    await page.click(`${lens("4 outputs")} >> text=4 stale`);
    await page.waitForSelector('.quick-input-list .monaco-list-row:has-text("stale") >> text=whisper');
    await shot(page, "outputs");
    await page.keyboard.press("Escape");
  },

  async "a lens shows the preview beside the template, which follows it"(page) {
    await page.click(`${lens("preview bert")} >> text=preview bert`);
    await page.waitForSelector('.tab:has-text("test_bert.py")');
    await atEnd(page);
    // The editor has indented the line already.
    await page.keyboard.type("assert len(task) > 3\n", { delay: 10 });
    await page.waitForSelector('.editor-group-container:nth-child(2) .view-line:has-text("len(task)"), .split-view-view:nth-child(2) .view-line:has-text("len(task)")');
    await page.waitForTimeout(500);
    await shot(page, "preview");
  },

  async "the status bar names the preview model"(page) {
    await page.waitForSelector('.statusbar-item:has-text("bert")');
  },

  async "what is selected becomes a component"(page) {
    await atEnd(page);
    for (const key of ["Control+Home", "Shift+End", "Control+."]) await page.keyboard.press(key);
    await page.waitForSelector('.action-widget .monaco-list-row:has-text("extract component")');
    await page.waitForTimeout(500);
    await shot(page, "extract");
    await page.keyboard.press("Enter");
    await page.waitForSelector('.view-line:has-text("endcomponent extracted")');
  },

  async "a generated file says where it comes from"(page) {
    await page.goto(url("test/tasks/test_bert.py"));
    const signature = page.locator(".view-line", { hasText: "generated by" }).first();
    // The name of the template is a link as soon as the server is there.
    await signature.locator(".detected-link").first().waitFor();
    await signature.hover({ position: { x: 150, y: 8 } });
    await page.waitForSelector(".monaco-hover:not(.hidden) .hover-row:has-text(\"edit the template\")");
    await page.waitForTimeout(500);
    await shot(page, "generated");
  },

  async "a template of the other dialect is highlighted as Python"(page) {
    await page.goto(url("templates/matrix.py"));
    await page.waitForSelector('.statusbar-item:has-text("${} in Python")');
    await page.waitForSelector(lens("4 outputs · 4 missing"));
    await page.waitForTimeout(500);
    await shot(page, "dollar");
  },
};

/** The lens with a text. */
function lens(text) {
  return `.codelens-decoration:has-text("${text}")`;
}

async function atEnd(page) {
  await page.click(".editor-instance .view-lines");
  await page.keyboard.press("Control+End");
}

async function command(page, title) {
  await page.keyboard.press("F1");
  await page.waitForSelector(".quick-input-widget:not(.hidden) input");
  await page.keyboard.type(title);
  await page.waitForSelector(`.quick-input-list .monaco-list-row:has-text("${title.split(": ")[1]}")`);
  await page.keyboard.press("Enter");
}

async function shot(page, name) {
  fs.mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

/** What the server and the extension said, for someone who has to find out why a step failed. */
function logs() {
  const found = execFileSync("find", [path.join(work, "data/logs"), "-name", "*cargo-tgen*.log"]).toString().trim();
  return found === "" ? "" : found.split("\n").map((file) => fs.readFileSync(file, "utf8")).join("\n");
}

async function main() {
  const server = await startCodeServer();
  const context = await chromium.launchPersistentContext(path.join(work, "browser"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1280, height: 800 },
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(30_000);
  let failed = 0;
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(page);
      console.log(`ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${String(error).slice(0, 400)}`);
      await shot(page, `failed-${failed}`).catch(() => undefined);
    }
  }
  if (failed > 0) console.log(logs());
  await context.close();
  server.kill();
  console.log(`${Object.keys(steps).length - failed} of ${Object.keys(steps).length} passed; screenshots in ${shots}`);
  process.exit(failed === 0 ? 0 : 1);
}

void main();
