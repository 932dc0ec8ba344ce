// One session: an editor with a packaged extension, and what a user does in it, step by step.

import * as path from "node:path";
import { chromium } from "playwright-core";

import { CodeServer, type Options } from "./code_server";
import { Editor } from "./editor";

/** Nothing takes that long but on a machine that is busy with other things. */
const PATIENCE_MS = 120_000;

/** What a user does, and what has to be seen then. */
export type Steps = Readonly<Record<string, (editor: Editor, project: string) => Promise<void>>>;

/** Does the steps in their order; gives how many of them failed. */
export async function play(name: string, steps: Steps, options: Options, browser: string, shots?: string): Promise<number> {
  const server = new CodeServer(options);
  await server.start();
  const context = await chromium.launchPersistentContext(path.join(options.work, "browser"), {
    executablePath: browser,
    // Where `tools.sh` got the browser, its libraries are beside it.
    env: { ...process.env, LD_LIBRARY_PATH: path.join(path.dirname(browser), "al2023/lib") },
    headless: true,
    viewport: { width: 1280, height: 800 },
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE_MS);
  const editor = new Editor(page, (file) => server.url(file), shots);
  let failed = 0;
  for (const [step, act] of Object.entries(steps)) {
    const begin = Date.now();
    try {
      await act(editor, server.project);
      console.log(`ok    ${name}: ${step} (${Date.now() - begin} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${step}: ${String(error).slice(0, 600)}`);
      await editor.picture(shots ?? options.work, `failed-${name}-${failed}`);
    }
  }
  if (failed > 0) console.log(server.logs());
  await context.close();
  server.stop();
  return failed;
}
