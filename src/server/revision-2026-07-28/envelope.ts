import { isJsonObject } from '../is-record.js';
import { RequestError } from '../request-error.js';
import { CODE, META, TASKS_EXTENSION, VERSIONS, type WireRequest } from './wire.js';

/** What each request says of its client (spec 2026-07-28, basic, "_meta"). */
export interface Envelope {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly clientCapabilities: Readonly<Record<string, unknown>>;
  /** `name` of the client's `clientInfo`. */
  readonly clientName: string | undefined;
  /** Whether the client takes a task for an answer. */
  readonly takesTasks: boolean;
  /** Set when the client wants to hear of progress. */
  readonly progressToken: string | number | undefined;
}

export interface CallerContext {
  readonly principal: string;
  /** Aborts when the client gives up this request. */
  readonly signal: AbortSignal;
  readonly envelope: Envelope;
  notify(method: string, params: Record<string, unknown>): void;
}

/**
 * @param headerVersion the `MCP-Protocol-Version` header, null where HTTP has none; undefined where there are no headers
 * @throws RequestError for what is missing, malformed or of another version
 */
export function readEnvelope({ params }: WireRequest, headerVersion?: string | null): Envelope {
  const meta = params._meta;
  const version = isJsonObject(meta) ? meta[META.protocolVersion] : undefined;
  if (!isJsonObject(meta) || typeof version !== 'string')
    throw invalidMeta(META.protocolVersion, 'a version');
  // Before the version itself: whoever is between reads the header only.
  if (headerVersion !== undefined && headerVersion !== version) {
    const got = headerVersion === null ? 'there is none' : `it is ${headerVersion}`;
    throw headerMismatch(`Expected the MCP-Protocol-Version header to be ${version}, as in the body; ${got}`);
  }
  if (!VERSIONS.includes(version)) {
    throw new RequestError(CODE.unsupportedVersion, `Unsupported protocol version ${version}`, {
      data: { supported: VERSIONS, requested: version },
      httpStatus: 400,
    });
  }
  const clientCapabilities = meta[META.clientCapabilities];
  if (!isJsonObject(clientCapabilities)) throw invalidMeta(META.clientCapabilities, 'an object');
  const clientInfo = meta[META.clientInfo];
  if (META.clientInfo in meta && !isInfo(clientInfo)) {
    throw invalidMeta(META.clientInfo, 'an object with name and version');
  }
  const { progressToken } = meta;
  const isToken = typeof progressToken === 'string' || typeof progressToken === 'number';
  return {
    meta,
    clientCapabilities,
    clientName: isInfo(clientInfo) ? clientInfo.name : undefined,
    takesTasks: takesTasks(clientCapabilities),
    progressToken: isToken ? progressToken : undefined,
  };
}

export function headerMismatch(message: string): RequestError {
  return new RequestError(CODE.headerMismatch, message, { httpStatus: 400 });
}

function takesTasks({ extensions }: Readonly<Record<string, unknown>>): boolean {
  return isJsonObject(extensions) && isJsonObject(extensions[TASKS_EXTENSION]);
}

function isInfo(value: unknown): value is { readonly name: string } {
  return isJsonObject(value) && typeof value.name === 'string' && typeof value.version === 'string';
}

function invalidMeta(key: string, expected: string): RequestError {
  return new RequestError(CODE.invalidParams, `Expected \`_meta["${key}"]\` to be ${expected}`, {
    httpStatus: 400,
  });
}
