const MOST_CHARACTERS = 300;

/** The beginning of a text that somebody else wrote, on one line, for a message of ours. */
export function excerpt(text: string): string {
  // Enough for many line breaks, however long the text is.
  const line = text
    .trimStart()
    .slice(0, MOST_CHARACTERS * 20)
    .trimEnd()
    .replace(/\s+/g, ' ');
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}
