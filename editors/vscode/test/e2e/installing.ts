// A newcomer whose extension has no program inside, with an empty PATH and a virtual environment in the project.

import { line, row, status, toast } from "./editor";
import type { Steps } from "./session";

export const INSTALLING: Steps = {
  async "a missing program is said, with a way out"(editor) {
    await editor.open("templates/skillset.py.tera");
    await editor.see(toast("`cargo-tgen` was not found"));
    await editor.see(`${toast("was not found")} .monaco-button:has-text("Install")`);
    await editor.see(`${status("cargo-tgen")} .codicon-warning`);
    await editor.shot("missing");
  },

  async "the doctor says where was looked, and does not fail"(editor) {
    await editor.command("Notifications: Clear All Notifications");
    await editor.command("cargo-tgen: Show What the Language Server Sees");
    await editor.see(toast("`cargo-tgen` was not found"));
    await editor.see(line("the project's virtual environment"));
    await editor.shot("missing-doctor");
    await editor.gone(".monaco-dialog-box");
  },

  async "install shows the command, runs it, and the server starts"(editor) {
    await editor.page.click(`${toast("was not found")} .monaco-button:has-text("Install")`);
    const way = await editor.see(row("-m pip install cargo-tgen"));
    await editor.shot("install");
    await way.click();
    await editor.see(`${status("cargo-tgen")} .codicon-check`);
    await editor.page.click('.tab:has-text("skillset.py.tera")');
    await editor.see(".monaco-editor .cdr.squiggly-error");
    await editor.see(line("model_nam"));
    await editor.shot("installed");
  },
};
