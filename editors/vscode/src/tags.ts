// Where the tags of a Tera template are, as far as an editor has to know without the server.

const ENDS: Readonly<Record<string, string>> = { "{{": "}}", "{%": "%}", "{#": "#}" };

/** Whether the place after this text is inside a tag or a comment. */
export function isInsideTag(before: string): boolean {
  const begin = Math.max(...Object.keys(ENDS).map((open) => before.lastIndexOf(open)));
  const end = ENDS[before.slice(begin, begin + 2)];
  return begin >= 0 && end !== undefined && !before.includes(end, begin + 2);
}

/** How much of the text after a tag that was just closed closes it once more: VS Code had closed it when it was opened. */
export function closedTwice(before: string, after: string): number {
  const end = before.slice(-2);
  const isEnd = Object.values(ENDS).includes(end) && isInsideTag(before.slice(0, -2));
  const again = /^ ?/.exec(after)?.[0].length ?? 0;
  return isEnd && after.startsWith(end, again) ? again + end.length : 0;
}
