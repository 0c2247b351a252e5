import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { ProgressCallback } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { AwaitError } from '../errors.js';
import type { Port, RequestOptions } from '../protocols/protocol.js';
import { toolResultSchema } from '../protocols/readable-result.js';
import { linkSignals, neverAborts } from '../time/signals.js';
import type { Progress, ToolCall } from '../types.js';
import { SIGN_OF_LIFE } from './era/newer-session.js';

type ClientRequest = Parameters<Client['request']>[0];

/** Settles when a request can be sent; undefined when it can be sent now. */
export type Ready = (signal: AbortSignal) => Promise<unknown> | undefined;

/** The port on a connected v1 client of @modelcontextprotocol/sdk. */
export function sdkPort(client: Client, ready: Ready = () => undefined): Port {
  return {
    // Not the SDK's `callTool`, which loses a result that does not fit the output schema.
    async callTool(call: ToolCall, options: RequestOptions) {
      // Not under the time-out of the request, which then would be said to have been sent.
      await ready(options.signal);
      const request = { method: 'tools/call', params: { ...call } };
      return await client
        .request(request as ClientRequest, toolResultSchema, requestOptions(options, options.signal))
        .catch(throwOwn);
    },
    async request<Schema extends z.ZodType>(
      request: { readonly method: string; readonly params?: object },
      schema: Schema,
      options: RequestOptions,
    ) {
      await ready(options.signal);
      using linked = options.signal === neverAborts ? undefined : linkSignals(options.signal);
      return await client
        .request(request as ClientRequest, schema, requestOptions(options, linked?.signal))
        .catch(throwOwn);
    },
  };
}

/** The SDK never takes its abort listener off a signal, and cancels what has long ended: no two requests share one. */
function requestOptions({ timeoutMs, onProgress }: RequestOptions, signal: AbortSignal | undefined) {
  return {
    ...(signal && { signal }),
    timeout: Math.min(timeoutMs, 2 ** 31 - 1),
    ...(onProgress && { onprogress: toListener(onProgress), resetTimeoutOnProgress: true }),
  };
}

/** The transport can only answer with JSON-RPC errors: an error of ours comes as the data of one. */
function throwOwn(error: unknown): never {
  throw error instanceof McpError && error.data instanceof AwaitError ? error.data : error;
}

/** The SDK hands on what it does not know, and an absent field as undefined. */
function toListener(onProgress: (progress: Progress) => void): ProgressCallback {
  return ({ progress, total, message, ...rest }) => {
    const { _meta }: { _meta?: Record<string, unknown> } = rest;
    if (_meta?.[SIGN_OF_LIFE] === true) return;
    onProgress({
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    });
  };
}
