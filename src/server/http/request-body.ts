import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { atMost } from '../../time/at-most.js';
import { startTimer } from '../../time/sleep.js';
import { withoutNulls } from '../is-record.js';
import type { PendingExchange } from './pending-bytes.js';
import type { HttpRefusal } from './responses.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Whether JSON, as UTF-8, is nested deeper than `max`; whoever walks it needs a call for each level. */
export function isNestedDeeper(json: Uint8Array, max: number): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index] ?? 0;
    if (inText) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth++;
      if (depth > max) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  return false;
}

export type RequestBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly refusal: HttpRefusal };

export interface BodyLimits {
  readonly maxBytes: number;
  /** Longest silence of a client that is sending. @default 20000 */
  readonly silenceMs?: number;
  readonly pending: Pick<PendingExchange, 'received' | 'refusal'>;
}

export const MAX_DEPTH = 256;
export const MAX_BATCH = 100;
export const BODY_SILENCE_MS = 20_000;
const DISCARD_MS = 1000;

/** Reads a JSON body within its limits. */
export async function readJsonBody(
  request: IncomingMessage,
  { maxBytes, silenceMs = BODY_SILENCE_MS, pending }: BodyLimits,
): Promise<RequestBody> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return discard(request, tooLarge(maxBytes));
  const received = await receive(request, { maxBytes, silenceMs, pending });
  // Whoever has fallen silent sends nothing that could be thrown away.
  if (!Array.isArray(received) && received.status === 408) return { kind: 'refusal', refusal: received };
  if (!Array.isArray(received)) return discard(request, received);
  const bytes = Buffer.concat(received);
  if (isNestedDeeper(bytes, MAX_DEPTH)) {
    return refusal(400, -32600, `The request body is nested more than ${MAX_DEPTH} levels deep`);
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return refusal(400, -32700, 'Parse error: the request body is no JSON');
  }
  if (!Array.isArray(value)) return { kind: 'json', value: withoutNulls(value) };
  if (value.length <= MAX_BATCH) return { kind: 'json', value: value.map(withoutNulls) };
  return refusal(
    400,
    -32600,
    `The batch has ${value.length} messages, at most ${MAX_BATCH} are taken: send several`,
  );
}

function receive(
  request: IncomingMessage,
  { maxBytes, silenceMs, pending }: Required<BodyLimits>,
): Promise<Buffer[] | HttpRefusal> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onSilence = () => settle(timedOut(silenceMs));
    let stopTimer = startTimer(silenceMs, onSilence, { unref: true });
    const settle = (outcome: Buffer[] | HttpRefusal) => {
      stopTimer();
      request.off('data', onData);
      resolve(outcome);
    };
    const onData = (chunk: Buffer) => {
      stopTimer();
      stopTimer = startTimer(silenceMs, onSilence, { unref: true });
      size += chunk.length;
      if (size > maxBytes) return settle(tooLarge(maxBytes));
      if (!pending.received(chunk.length)) return settle(pending.refusal());
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => settle(chunks));
    request.once('close', () => {
      stopTimer();
      if (!request.complete) reject(request.errored ?? new Error('The client hung up while it was sending.'));
    });
  });
}

/** A client may read the answer only after it has sent everything: for a while, what comes is thrown away. */
async function discard(request: IncomingMessage, refusal: HttpRefusal): Promise<RequestBody> {
  const ended = new Promise<void>(resolve => {
    if (request.readableEnded || request.destroyed) return resolve();
    request.once('end', resolve).once('close', resolve);
  });
  request.resume();
  await atMost(ended, DISCARD_MS).catch(() => {});
  return { kind: 'refusal', refusal };
}

function tooLarge(maxBytes: number): HttpRefusal {
  return {
    status: 413,
    code: -32600,
    message: `The request body is larger than the limit of ${maxBytes} bytes`,
  };
}

function timedOut(silenceMs: number): HttpRefusal {
  return {
    status: 408,
    code: -32000,
    message: `Nothing of the request body came for ${silenceMs / 1000} s`,
    headers: { connection: 'close' },
  };
}

function refusal(status: number, code: number, message: string): RequestBody {
  return { kind: 'refusal', refusal: { status, code, message } };
}
