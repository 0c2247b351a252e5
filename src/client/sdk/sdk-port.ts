import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { ProgressCallback } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { AwaitError, ConfigurationError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { Port, RequestOptions } from '../../protocols/protocol.js';
import { toolResultSchema } from '../../protocols/readable-result.js';
import { IdleTimer } from '../../time/idle-timer.js';
import { linkSignals, neverAborts } from '../../time/signals.js';
import type { Progress } from '../../types.js';
import type { OpenQuestions } from '../input/open-questions.js';

type ClientRequest = Parameters<Client['request']>[0];

/** Disables the SDK's own time-out, which would run on while a question is answered. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Settles when a request can be sent; undefined when it can be sent now. */
export type Ready = (signal: AbortSignal) => Promise<unknown> | undefined;

/** The port on a connected v1 client of @modelcontextprotocol/sdk. @param questions the time that they take is no silence */
export function sdkPort(
  client: Client,
  ready: Ready = () => undefined,
  questions?: Pick<OpenQuestions, 'lastOpenAt'>,
): Port {
  const send = async <Schema extends z.ZodType>(request: object, schema: Schema, options: RequestOptions) => {
    const { signal, timeoutMs, onProgress } = options;
    // The wait for a connection is outside the time-out of the request, because nothing has been sent yet.
    await ready(signal);
    // Each request has its own signal: the SDK never removes its abort listener, and would cancel requests that have ended.
    using linked = linkSignals(signal === neverAborts ? undefined : signal);
    using timer = new IdleTimer({
      limitMs: timeoutMs,
      lastSignAt: questions && (() => questions.lastOpenAt),
      onIdle: () => linked.abort(new McpError(ErrorCode.RequestTimeout, 'Request timed out')),
    });
    const sdkOptions = {
      signal: linked.signal,
      timeout: MAX_TIMEOUT_MS,
      ...(onProgress && {
        onprogress: toListener(onProgress, () => timer.sign()),
        resetTimeoutOnProgress: true,
      }),
    };
    return await client.request(request as ClientRequest, schema, sdkOptions).catch(throwOwn);
  };
  return {
    // Not the SDK's `callTool`, which loses a result that does not fit the output schema.
    callTool: (call, options) =>
      send({ method: 'tools/call', params: { ...call } }, toolResultSchema, options),
    request: send,
  };
}

/** The transport can only answer with JSON-RPC errors, so an error of ours is the data of one. */
function throwOwn(error: unknown): never {
  if (error instanceof TypeError && /BigInt|circular structure/.test(error.message)) {
    throw new ConfigurationError(
      `The arguments cannot be sent as JSON, and nothing was sent: ${excerpt(error.message)}. Give an integer that is too large for a number as a string.`,
      { cause: error },
    );
  }
  throw error instanceof McpError && error.data instanceof AwaitError ? error.data : error;
}

/** The SDK passes an absent field as undefined. */
function toListener(onProgress: (progress: Progress) => void, sign: () => void): ProgressCallback {
  return ({ progress, total, message }) => {
    sign();
    onProgress({
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    });
  };
}
