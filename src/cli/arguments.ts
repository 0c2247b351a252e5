import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { excerpt } from '../protocols/excerpt.js';
import { isRecord } from '../protocols/tool-result.js';
import { readingOf, schemaType, wantedText } from './argument-types.js';
import { isSpecialKey, parseExactJson, refuseKey } from './exact-json.js';
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
  if (reading === 'text' || (reading === 'json-or-text' && !isJson(value))) return [key, value];
  if (isJson(value)) return [key, parseExactJson(value, { flag })];
  throw new UsageError(
    `${flag} must be ${wantedText(type)}, written as JSON, got ${excerpt(value)}: it is no valid JSON.`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
