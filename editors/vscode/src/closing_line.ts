// The one line that says how a command ended.

/** The last line on standard output; for a command that could not run, the first of its errors. */
export function closingLine(ended: { code: number; stdout: string; stderr: string }): string {
  const said = (text: string) => text.split("\n").filter((line) => line.trim() !== "");
  const errors = said(ended.stderr);
  const line = ended.code > 1 ? (errors.find((line) => line.startsWith("error")) ?? errors[0]) : said(ended.stdout).at(-1);
  return line ?? `ended with code ${ended.code}`;
}
