import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { ProgressCallback } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { type CallToolResult, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { AwaitError } from '../errors.js';
import type { Port, RequestOptions } from '../protocols/protocol.js';
import { linkSignals, neverAborts } from '../time/signals.js';
import type { Progress, ToolCall } from '../types.js';
import { SIGN_OF_LIFE } from './era/newer-session.js';

/** Settles when a request can be sent; undefined when it can be sent now. */
export type Ready = (signal: AbortSignal) => Promise<unknown> | undefined;

/** The port on a connected v1 client of @modelcontextprotocol/sdk. */
export function sdkPort(client: Client, ready: Ready = () => undefined): Port {
  return {
    async callTool(call: ToolCall, options: RequestOptions) {
      // Not under the time-out of the request, which then would be said to have been sent.
      await ready(options.signal);
      return (await client
        .callTool(mutable(call), undefined, requestOptions(options, options.signal))
        .catch(throwOwn)) as CallToolResult;
    },
    async request<Schema extends z.ZodType>(
      request: { readonly method: string; readonly params?: object },
      schema: Schema,
      options: RequestOptions,
    ) {
      await ready(options.signal);
      using linked = options.signal === neverAborts ? undefined : linkSignals(options.signal);
      return await client
        .request(request as Parameters<Client['request']>[0], schema, requestOptions(options, linked?.signal))
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

/** The SDK's parameter types are mutable; it does not change them. */
function mutable(call: ToolCall): Parameters<Client['callTool']>[0] {
  return call as Parameters<Client['callTool']>[0];
}
