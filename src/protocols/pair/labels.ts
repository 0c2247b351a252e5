/** What may stand between a label and its value: "Task ID: X", "| **Task ID** | `X` |", "PID 7". */
const SEPARATORS = /^(?:\s|[*_`|:=#"'(])+/;
const STRONG = /[:=|]/;
/** Ends a value: of a table cell, and of Markdown. */
const END_OF_VALUE = /\s*(?:[|\n\r]|\*\*|$)/;
const MOST_TEXT = 100_000;

/** The values that stand behind a label in a text, each to the end of its line or table cell. */
export function labelled(text: string, label: string): readonly string[] {
  const values: string[] = [];
  const shortened = text.slice(0, MOST_TEXT);
  const [haystack, needle] = [shortened.toLowerCase(), label.toLowerCase()];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    const value = valueBehind(shortened, at, needle.length);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function valueBehind(text: string, at: number, length: number): string | undefined {
  if (/\w/.test(text[at - 1] ?? '')) return undefined;
  const rest = text.slice(at + length, at + length + 1000);
  const separators = SEPARATORS.exec(rest)?.[0];
  if (separators === undefined) return undefined;
  const behind = rest.slice(separators.length);
  const value = behind.slice(0, behind.search(END_OF_VALUE)).replace(/[`*]/g, '').trim();
  if (value === '') return undefined;
  // "the task ID you were given" is a sentence.
  return STRONG.test(separators) || /^["'`]?\S*\d/.test(value) ? value : undefined;
}

/** The first word of a value, as a handle: without quotes and what ends a sentence. */
export function firstToken(value: string): string | undefined {
  return /^["'`(<]*([^\s"'`,;<>()|]*[^\s"'`,;<>()|.!?])/.exec(value)?.[1];
}
