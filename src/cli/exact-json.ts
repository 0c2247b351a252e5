import { visit } from 'jsonc-parser';
import { excerpt } from '../protocols/excerpt.js';
import { UsageError } from './exit-code.js';

/** Keys that some programs take for something else than data. */
const SPECIAL_KEYS = ['__proto__', 'constructor', 'prototype'];

export interface ExactJsonOptions {
  /** How the text came, for messages: `--args`. */
  readonly flag: string;
  /** Keys of the outermost object that may be special ones, because a schema names them. @default none */
  readonly allowedKeys?: readonly string[];
}

/**
 * The value of a JSON text, as it stands there: nothing of it is changed or lost on the way.
 * @throws UsageError when it is no JSON, holds a number that JavaScript would round, or a key twice or a special one
 */
export function parseExactJson(json: string, { flag, allowedKeys = [] }: ExactJsonOptions): unknown {
  try {
    const value: unknown = JSON.parse(json);
    checkTokens(json, flag, allowedKeys);
    return value;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const why = cause instanceof RangeError ? 'it is nested too deeply' : (cause as Error).message;
    throw new UsageError(`${flag} is no valid JSON: ${why}`, { cause });
  }
}

interface OpenObject {
  readonly keys: Set<string>;
  /** The key that it is the value of. */
  readonly under: string | undefined;
}

function checkTokens(json: string, flag: string, allowedKeys: readonly string[]): void {
  const open: OpenObject[] = [];
  let lastKey: string | undefined;
  visit(json, {
    onObjectBegin() {
      open.push({ keys: new Set(), under: lastKey });
    },
    onObjectEnd() {
      open.pop();
    },
    onObjectProperty(key) {
      lastKey = key;
      const { keys, under } = open.at(-1) as OpenObject;
      if (keys.has(key))
        throw new UsageError(
          `${flag} has the key ${quoted(key)} twice in one object: leave one of them out.`,
        );
      keys.add(key);
      const isRefused =
        open.length === 1 ? isSpecialKey(key, allowedKeys) : key === '__proto__' || isPrototype(key, under);
      if (isRefused) refuseKey(key, flag);
    },
    onLiteralValue(value, offset, length) {
      if (typeof value === 'number') checkNumber(json.slice(offset, offset + length), flag);
    },
  });
}

/** Whether a key of an outermost object is refused. */
export function isSpecialKey(key: string, allowedKeys: readonly string[]): boolean {
  return key === '__proto__' || (SPECIAL_KEYS.includes(key) && !allowedKeys.includes(key));
}

/** Within other values these keys are data, unless together. */
function isPrototype(key: string, under: string | undefined): boolean {
  return key === 'prototype' && under === 'constructor';
}

/** @throws UsageError */
export function refuseKey(key: string, flag: string): never {
  throw new UsageError(
    `${flag} has the key ${quoted(key)}, which programs take for more than data. It is not sent, because the tool's schema does not name it.`,
  );
}

function checkNumber(text: string, flag: string): void {
  const value = Number(text);
  if (Number.isFinite(value) && (Math.abs(value) <= Number.MAX_SAFE_INTEGER || /e/i.test(text))) return;
  if (String(value) === text) return;
  const sent = Number.isFinite(value) ? `it would be sent as ${value}` : 'it is too large for any number';
  throw new UsageError(
    `${flag} has the number ${quoted(text)}, which cannot be sent as it is written: ${sent}. Integers are exact up to ${Number.MAX_SAFE_INTEGER}; write it as a string if the tool takes one.`,
  );
}

function quoted(text: string): string {
  return excerpt(JSON.stringify(text));
}
