/** Nothing that we read is nested deeper. */
const MAX_DEPTH = 1000;

/** Whether a value has more than `levels` levels of objects and arrays. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some(part => isDeeper(part, levels - 1));
}

/** Whether a value is surely longer than `maxBytes` as JSON, found out without making the JSON. */
export function isSurelyLarger(value: unknown, maxBytes: number): boolean {
  return leastJsonSize(value, maxBytes) > maxBytes;
}

/** How long a value is as JSON at least, counted until it is more than `maxBytes`; 0 where nothing sure can be said. */
export function leastJsonSize(value: unknown, maxBytes: number): number {
  let left = maxBytes;
  const open = new Set<object>();
  /** @returns false where nothing sure can be said */
  const take = (part: unknown): boolean => {
    left -= typeof part === 'string' ? part.length + 2 : 1;
    if (left < 0 || typeof part !== 'object' || part === null || 'toJSON' in part) return true;
    if (open.has(part) || open.size === MAX_DEPTH) return false;
    open.add(part);
    const isKnown = Array.isArray(part) ? part.every(take) : Object.entries(part).every(takeEntry);
    open.delete(part);
    return isKnown;
  };
  const takeEntry = ([key, item]: readonly [string, unknown]): boolean => {
    if (item === undefined || left < 0) return true;
    left -= key.length + 3;
    return take(item);
  };
  return take(value) ? maxBytes - left : 0;
}

/** Characters that are made at a time: few enough that V8 makes them in its young generation, which it empties soon. */
const PART_CHARACTERS = 32 * 1024;

/** The JSON of a value in parts: of a large one there is no second copy. */
export function* jsonParts(value: unknown): Generator<string> {
  let part = '';
  for (const piece of piecesOf(value)) {
    part += piece;
    if (part.length < PART_CHARACTERS) continue;
    yield part;
    part = '';
  }
  if (part !== '') yield part;
}

/** A text in parts, none of which ends within a character. */
export function* textParts(text: string): Generator<string> {
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = Math.min(start + PART_CHARACTERS, text.length);
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    yield text.slice(start, end);
  }
}

function* piecesOf(value: unknown): Generator<string> {
  if (!isSurelyLarger(value, PART_CHARACTERS)) yield JSON.stringify(value) ?? 'null';
  else if (typeof value === 'string') {
    yield '"';
    for (const part of textParts(value)) yield JSON.stringify(part).slice(1, -1);
    yield '"';
  } else {
    const isArray = Array.isArray(value);
    let mark = isArray ? '[' : '{';
    for (const [key, item] of Object.entries(value as object)) {
      if (item === undefined && !isArray) continue;
      yield isArray ? mark : `${mark}${JSON.stringify(key)}:`;
      yield* piecesOf(item);
      mark = ',';
    }
    yield isArray ? ']' : '}';
  }
}
