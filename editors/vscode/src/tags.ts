// Where the tags of a Tera template are, as far as an editor has to know without the server.

const ENDS: Readonly<Record<string, string>> = { "{{": "}}", "{%": "%}", "{#": "#}" };

/** Whether the place after this text is inside a tag or a comment. */
export function isInsideTag(before: string): boolean {
  const begin = Math.max(...Object.keys(ENDS).map((open) => before.lastIndexOf(open)));
  const end = ENDS[before.slice(begin, begin + 2)];
  return begin >= 0 && end !== undefined && !before.includes(end, begin + 2);
}
