// The lenses above a template or an edited output are the server's; it sends only those whose command it is told that we have.

import type { ClientCapabilities } from "vscode-languageclient";
import type { StaticFeature } from "vscode-languageclient/node";

const COMMANDS = ["tgen.outputs", "tgen.preview", "tgen.run", "tgen.generate", "tgen.adopt", "tgen.difference", "tgen.runOutput"];

/** Tells the server which commands its lenses may run. */
export const lensCommands: StaticFeature = {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), commands: { commands: COMMANDS } };
  },
  initialize(): void {},
  getState: () => ({ kind: "static" }),
  clear(): void {},
};
