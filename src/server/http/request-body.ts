import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Refusal } from './responses.js';

export type RequestBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly refusal: Refusal };

/** Reads a JSON body of at most `maxBytes`. */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge(request, maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > maxBytes) return tooLarge(request, maxBytes);
    chunks.push(chunk);
  }
  try {
    return { kind: 'json', value: JSON.parse(Buffer.concat(chunks).toString()) };
  } catch {
    return refusal(400, -32700, 'Parse error: the request body is no JSON');
  }
}

function tooLarge(request: IncomingMessage, maxBytes: number): RequestBody {
  // The client may read the answer only after it has sent everything: take it and throw it away.
  request.resume();
  return refusal(413, -32600, `The request body is larger than the limit of ${maxBytes} bytes`);
}

function refusal(status: number, code: number, message: string): RequestBody {
  return { kind: 'refusal', refusal: { status, code, message } };
}
