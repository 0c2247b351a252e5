const MAX_CHARACTERS = 300;

/** The beginning of a text that somebody else wrote, on one line, for a message of ours. */
export function excerpt(text: string): string {
  // Enough for many line breaks, however long the text is.
  const line = text
    .trimStart()
    .slice(0, MAX_CHARACTERS * 20)
    .trimEnd()
    .replace(/\s+/g, ' ');
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line;
}

/** The same of any foreign value: of what is no text its JSON, since `String` throws for some objects. */
export function excerptOf(value: unknown): string {
  return excerpt(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));
}
