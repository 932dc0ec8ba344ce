// What this extension and the server say to each other beyond the language server protocol.

import { RequestType } from "vscode-languageclient/node";

/** A case to preview; what is left out is as chosen before. */
export interface PreviewParams {
  textDocument: { uri: string };
  model?: string;
  hardware?: string;
  batchSize?: number;
}

/** What a template renders to. */
export interface PreviewResult {
  /** The text; null where it cannot be rendered. */
  text: string | null;
  /** Why it cannot be rendered. */
  problem: string | null;
  /** The file that `generate` would write. */
  output: string | null;
  /** The model that it was rendered for. */
  model: string | null;
}

/** What can be previewed. */
export interface ModelsResult {
  models: string[];
  current: string | null;
}

/** An output of a template, and how it compares with the file that is there. */
export interface Output {
  /** The file; null where it cannot be named. */
  uri: string | null;
  /** The model that it is for, or the support template that it is. */
  subject: string;
  /** `fresh`, `stale`, `missing`, `edited` and so on. */
  standing: string;
}

export interface OutputsResult {
  outputs: Output[];
}

/** What an edited output should be. */
export interface GeneratedResult {
  text: string;
}

export const preview = new RequestType<PreviewParams, PreviewResult | null, void>("tgen/preview");
export const models = new RequestType<{ textDocument: { uri: string } }, ModelsResult | null, void>("tgen/models");
export const setPreview = new RequestType<PreviewParams, null, void>("tgen/setPreview");
export const outputs = new RequestType<{ textDocument: { uri: string } }, OutputsResult | null, void>("tgen/outputs");
export const generated = new RequestType<{ textDocument: { uri: string } }, GeneratedResult | null, void>("tgen/generated");
