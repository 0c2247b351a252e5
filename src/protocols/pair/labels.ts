/** Between a label and its value: "Task ID: X", "| **Task ID** | `X` |", "PID 7". */
const SEPARATORS = new Set(' \t*_`|:=#"\'(');
const STRONG = new Set(':=|');
/** A label of its own at the beginning of a line. */
const OWN_LABEL = /^[\s*_>#|-]*[A-Za-z][\w /-]{0,40}[*_`]{0,4}[:=|]/;
const MAX_TEXT = 100_000;
const MAX_VALUE = 1000;

/** The values that stand behind a label in a text, each to the end of its line or table cell. */
export function labelled(text: string, label: string): readonly string[] {
  const values: string[] = [];
  const shortened = text.slice(0, MAX_TEXT);
  const [haystack, needle] = [shortened.toLowerCase(), label.toLowerCase()];
  if (needle === '') return values;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    const value = valueBehind(shortened, at, needle.length);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function valueBehind(text: string, at: number, length: number): string | undefined {
  if (/\w/.test(text[at - 1] ?? '')) return undefined;
  const from = at + length;
  const to = endOfSeparators(text, from);
  if (to === from && !isLineBreak(text[to])) return undefined;
  const value = isLineBreak(text[to]) ? belowHeading(text, to) : endedValue(text.slice(to, to + MAX_VALUE));
  if (value === undefined || value === '') return undefined;
  const isMarked =
    [...text.slice(from, to)].some(character => STRONG.has(character)) ||
    (isLineBreak(text[to]) && /^[#*]/.test(text.slice(startOfLine(text, at), at)));
  // "the task ID you were given" is a sentence.
  return isMarked || /^["'`]?\S{0,200}\d/.test(value) ? value : undefined;
}

function endOfSeparators(text: string, from: number): number {
  const most = Math.min(text.length, from + MAX_VALUE);
  let at = from;
  while (at < most && SEPARATORS.has(text.charAt(at))) at++;
  return at;
}

function startOfLine(text: string, at: number): number {
  return Math.max(text.lastIndexOf('\n', at - 1) + 1, at - MAX_VALUE);
}

function isLineBreak(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}

/** The first line with anything on it below a label that ends its line, unless that line has a label of its own. */
function belowHeading(text: string, at: number): string | undefined {
  const line = text
    .slice(at, at + MAX_VALUE)
    .split('\n')
    .find(each => each.trim() !== '');
  return line === undefined || OWN_LABEL.test(line.slice(0, 100)) ? undefined : endedValue(line);
}

/** A value ends with its line, its table cell, or what Markdown stresses. */
function endedValue(behind: string): string {
  const ends = ['|', '\n', '\r', '**'].map(end => behind.indexOf(end)).filter(end => end >= 0);
  return behind
    .slice(0, Math.min(behind.length, ...ends))
    .replace(/[`*]/g, '')
    .trim();
}

/** The first word of a value, as a handle: without quotes and what ends a sentence. */
export function firstToken(value: string): string | undefined {
  return /^["'`(<]*([^\s"'`,;<>()|]*[^\s"'`,;<>()|.!?])/.exec(value.slice(0, 3000))?.[1];
}
