import type { Progress } from '../types.js';
import { isRecord } from './tool-result.js';

type Payload = Readonly<Record<string, unknown>>;

/** The value at a dotted path; undefined where the path ends early. */
export function valueAt(payload: Payload, path: string | undefined): unknown {
  return path
    ?.split('.')
    .reduce<unknown>(
      (value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined),
      payload,
    );
}

/** A status word as profiles spell it: lower case, with `_` for blanks and dashes. */
export function foldWord(word: string): string {
  return word
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
}

/** Progress in MCP's shape; undefined when the value is none. */
export function readProgress(value: unknown): Progress | undefined {
  if (!isRecord(value) || typeof value.progress !== 'number' || !Number.isFinite(value.progress))
    return undefined;
  const { progress, total, message } = value;
  return {
    progress,
    ...(typeof total === 'number' && Number.isFinite(total) && { total }),
    ...(typeof message === 'string' && { message }),
  };
}
