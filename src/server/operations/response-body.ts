import { Buffer } from 'node:buffer';
import type { Response } from 'undici';
import { OperationError } from '../operation.js';

export interface ReadBodyOptions {
  readonly maxBytes: number;
  onProgress(bytes: number): void;
}

/** @throws OperationError `RESPONSE_TOO_LARGE` as soon as more than `maxBytes` have come. */
export async function readBody(response: Response, options: ReadBodyOptions): Promise<Buffer> {
  const { bytes, complete } = await readUpTo(response, options);
  if (complete) return bytes;
  throw new OperationError(
    'RESPONSE_TOO_LARGE',
    `The response is larger than the limit of ${options.maxBytes} bytes`,
  );
}

/** The first `characters` of a body on one line, for a message. */
export async function readExcerpt(response: Response, characters: number): Promise<string> {
  // A character has up to four bytes.
  const { bytes } = await readUpTo(response, { maxBytes: characters * 4, onProgress: () => {} });
  return bytes.toString().replace(/\s+/g, ' ').trim().slice(0, characters);
}

interface ReadBytes {
  readonly bytes: Buffer;
  readonly complete: boolean;
}

async function readUpTo({ body }: Response, { maxBytes, onProgress }: ReadBodyOptions): Promise<ReadBytes> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), complete: false };
    onProgress(size);
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}

export interface DecodedBody {
  readonly body: string;
  readonly encoding: 'text' | 'base64';
  /** Present when the content type is JSON and the body really is. */
  readonly json?: unknown;
}

/** Of a result that every client can read. */
const MAX_DEPTH = 500;

/** Text in the charset that the content type names (UTF-8 if none), or base64 when the bytes are not that. */
export function decodeBody(bytes: Buffer, contentType: string | null): DecodedBody {
  const text = decodeText(bytes, contentType ?? '');
  if (text === undefined) return { body: bytes.toString('base64'), encoding: 'base64' };
  if (!/^\s*application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i.test(contentType ?? '')) {
    return { body: text, encoding: 'text' };
  }
  const json = parsed(text);
  return { body: text, encoding: 'text', ...(json !== undefined && { json }) };
}

/** @returns undefined for what is no JSON, or is nested too deeply to be a result */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some(part => isDeeper(part, levels - 1));
}

function decodeText(bytes: Buffer, contentType: string): string | undefined {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
