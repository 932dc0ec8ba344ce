// Opens pages of `cargo tgen report` in a browser, from file://: nothing may be written to the console or requested, a
// reader finds what matters with and without JavaScript, and axe finds nothing serious.
//
// The second page has hostile texts, which must stay texts.
//
//   node check.mjs BROWSER PAGE HOSTILE [SCREENSHOTS]

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, file, hostile, screenshots] = process.argv.slice(2);
const LIMIT = 30_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const desktop = { viewport: { width: 1280, height: 1000 } };
const views = {
  light: { ...desktop, colorScheme: "light" },
  dark: { ...desktop, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: "light" },
};

const browser = await chromium.launch({ executablePath, args });
try {
  for (const [name, options] of Object.entries(views)) await look(name, options);
  await followLinks();
  await readWithoutScript();
  await look("hostile", { ...desktop, colorScheme: "light" }, hostile);
} finally {
  await browser.close();
}

// Opens the page; what it must not do is an error.
async function opened(options, path = file) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) faults.push(`request: ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href, { timeout: LIMIT });
  if (options.javaScriptEnabled !== false) {
    await page.waitForFunction(() => "ready" in document.documentElement.dataset, undefined, { timeout: LIMIT });
  }
  return { page, finish: async () => { assert.deepEqual(faults, []); await context.close(); } };
}

async function look(name, options, path = file) {
  const { page, finish } = await opened(options, path);
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
  const paints = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint").map((one) => one.startTime));
  console.log(`report: ${name}: first paint after ${Math.round(paints[0] ?? NaN)} ms`);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(tooWide, 0, `${name}: the page is ${tooWide} pixels too wide`);
  await checkWithAxe(page, name);
  await page.locator("#list tbody a").first().click();
  await page.locator("dialog[open]").waitFor({ timeout: LIMIT });
  await checkWithAxe(page, `${name}, a test`);
  await finish();
}

async function checkWithAxe(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const words = grave.map(({ id, nodes }) => `${id}: ${nodes.length} times, such as ${nodes[0].html}`);
  assert.deepEqual(words, [], `${name}: axe has found something`);
}

// Goes where a reader goes: from the matrix to the tests of a model, to a test, and back with the keyboard.
async function followLinks() {
  const { page, finish } = await opened(desktop);
  const total = await page.locator("#list [role=status]").textContent();
  await page.locator("table.matrix tbody button").first().focus();
  await page.keyboard.press("Enter");
  const some = await page.locator("#list [role=status]").textContent();
  assert.notEqual(some, total);
  assert.match(await page.evaluate(() => location.hash), /^#tests\?model=/);
  await page.locator("#list tbody a").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor({ timeout: LIMIT });
  assert.match(await page.locator("dialog").textContent(), /python -m pytest/);
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached", timeout: LIMIT });
  await finish();
}

async function readWithoutScript() {
  const { page, finish } = await opened({ ...desktop, javaScriptEnabled: false });
  for (const wanted of ["#counts .tiles li", "#changes details", "table.matrix td", "#causes details", "noscript"]) {
    assert.notEqual(await page.locator(wanted).count(), 0, `without JavaScript there is no ${wanted}`);
  }
  await finish();
}
