import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

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
  const given = source === undefined ? {} : parseObject(await readSource(source, '--args', io), '--args');
  return Object.assign(given, Object.fromEntries(pairs.map(pair => parsePair(pair, tool))));
}

/** A text given inline, as `@file`, or `-` for standard input. @throws UsageError when the file cannot be read */
export async function readSource(source: string, flag: string, io: CommandIo): Promise<string> {
  if (source === '-') return text(io.stdin);
  if (!source.startsWith('@')) return source;
  const file = resolve(io.cwd(), source.slice(1));
  return readFile(file, 'utf8').catch(cause => {
    throw new UsageError(`The file of ${flag} cannot be read: ${cause.message}`, { cause });
  });
}

/** @throws UsageError when the text is no JSON object */
export function parseObject(json: string, flag: string): Arguments {
  const value = parseJson(json, flag);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Arguments;
  throw new UsageError(
    `${flag} must be a JSON object such as '{"path":"src"}', got ${json.trim().slice(0, 40)}`,
  );
}

function parsePair(pair: string, tool: Tool): [string, unknown] {
  const split = pair.indexOf('=');
  if (split < 1) throw new UsageError(`--arg is written key=value, got ${pair}`);
  const key = pair.slice(0, split);
  const value = pair.slice(split + 1);
  return [key, isText(tool, key) ? value : parseJson(value, `--arg ${key}`)];
}

function isText(tool: Tool, key: string): boolean {
  const schema = tool.inputSchema.properties?.[key] as { type?: unknown } | undefined;
  const types = [schema?.type ?? 'string'].flat();
  return types.includes('string');
}

function parseJson(json: string, flag: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new UsageError(`${flag} is no valid JSON: ${(cause as Error).message}`, { cause });
  }
}
