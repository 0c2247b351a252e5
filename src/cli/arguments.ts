import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { visit } from 'jsonc-parser';
import { excerpt } from '../protocols/excerpt.js';
import { isRecord, parseJson } from '../protocols/tool-result.js';
import { readingOf, schemaType, wantedText } from './argument-types.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { readSource } from './read-source.js';

type Arguments = Record<string, unknown>;

/**
 * The tool arguments of a command line: the JSON object of `--args` (given inline, as `@file`, or `-` for standard
 * input), and over it each `--arg key=value`, its value read as the type that the tool's schema gives the key.
 * @throws UsageError
 */
export async function readArguments(
  source: string | undefined,
  pairs: readonly string[],
  tool: Tool,
  io: CommandIo,
): Promise<Arguments> {
  const allowedKeys = Object.keys(tool.inputSchema.properties ?? {});
  const given =
    source === undefined
      ? {}
      : parseObject(await readSource(source, '--args', io), shownSource(source), allowedKeys);
  const named = new Map<string, unknown>();
  for (const pair of pairs) {
    const [key, value] = parsePair(pair, tool, allowedKeys);
    if (named.has(key)) {
      throw new UsageError(
        `--arg ${excerpt(key)} is given twice. Give a list as JSON: --arg '${excerpt(key)}=["a","b"]'`,
      );
    }
    named.set(key, value);
  }
  return { ...given, ...Object.fromEntries(named) };
}

/** `--args`, and where its text came from. */
function shownSource(source: string): string {
  if (source === '-') return '--args from standard input';
  return source.startsWith('@') ? `--args ${excerpt(source)}` : '--args';
}

/** @throws UsageError when the text is no JSON object, or one that cannot be sent as it is written */
export function parseObject(json: string, flag: string, allowedKeys: readonly string[] = []): Arguments {
  const wanted = `must be a JSON object such as '{"path":"src"}'`;
  if (json.trim() === '') throw new UsageError(`${flag} ${wanted}, and is empty.`);
  const value = parseExactJson(json, { flag, allowedKeys });
  if (isRecord(value)) return value;
  throw new UsageError(`${flag} ${wanted}, got ${json.trim().slice(0, 40)}`);
}

function parsePair(pair: string, { inputSchema }: Tool, allowedKeys: readonly string[]): [string, unknown] {
  const split = pair.indexOf('=');
  if (split < 1) throw new UsageError(`--arg is written key=value, got ${pair}`);
  const key = pair.slice(0, split);
  const flag = `--arg ${key}`;
  if (isSpecialKey(key, allowedKeys)) refuseKey(key, '--arg');
  const value = pair.slice(split + 1);
  const type = schemaType(inputSchema, key);
  const reading = readingOf(type, value);
  if (reading === 'text' || (reading === 'json-or-text' && parseJson(value) === undefined))
    return [key, value];
  if (parseJson(value) !== undefined) return [key, parseExactJson(value, { flag })];
  throw new UsageError(
    `${flag} must be ${wantedText(type)}, written as JSON, got ${excerpt(value)}: it is no valid JSON.`,
  );
}

/** Keys that some programs take for something else than data. */
const SPECIAL_KEYS = ['__proto__', 'constructor', 'prototype'];

interface ExactJsonOptions {
  /** How the text came, for messages: `--args`. */
  readonly flag: string;
  /** Keys of the outermost object that may be special ones, because a schema names them. @default none */
  readonly allowedKeys?: readonly string[];
}

/**
 * The value of a JSON text, as it stands there: nothing of it is changed or lost on the way.
 * @throws UsageError when it is no JSON, holds a number that JavaScript would round, or a key twice or a special one
 */
function parseExactJson(json: string, { flag, allowedKeys = [] }: ExactJsonOptions): unknown {
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
function isSpecialKey(key: string, allowedKeys: readonly string[]): boolean {
  return key === '__proto__' || (SPECIAL_KEYS.includes(key) && !allowedKeys.includes(key));
}

/** Within other values these keys are data, unless together. */
function isPrototype(key: string, under: string | undefined): boolean {
  return key === 'prototype' && under === 'constructor';
}

/** @throws UsageError */
function refuseKey(key: string, flag: string): never {
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
