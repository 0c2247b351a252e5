import {
  type CallToolResult,
  CallToolResultSchema,
  ErrorCode,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { AwaitError, InputRequiredError } from '../errors.js';
import { readKnownBlock } from '../protocols/readable-result.js';
import { isRecord } from '../protocols/tool-result.js';
import { RequestError } from '../server/request-error.js';
import type { ProxyCallEnd } from './proxy-task.js';
import type { Upstream } from './upstream.js';

/** What an upstream's error is to the host: the same error. The SDK puts its code into its message, once for each server. */
export function relayed(error: unknown): unknown {
  if (!(error instanceof McpError)) return error;
  const message = error.message.replace(/^(MCP error -?\d+: )+/, '');
  return new RequestError(error.code, message, { data: error.data });
}

/** The end of a call as the answer to it: a model can read what went wrong. @throws RequestError the upstream's own refusal */
export function answerOf(end: ProxyCallEnd): CallToolResult {
  if ('result' in end) return readableByHost(end.result);
  const { error } = end;
  if (!(error instanceof AwaitError)) throw relayed(error);
  const questions = error instanceof InputRequiredError ? { questions: error.questions } : {};
  return {
    isError: true,
    content: [{ type: 'text', text: `${error.code}: ${error.message}` }],
    structuredContent: { error: { code: error.code, message: error.message, ...questions } },
  };
}

/** Nobody offers it; one that cannot be reached may. */
export function unknownName(
  what: 'tool' | 'prompt',
  name: string,
  upstreams: readonly Pick<Upstream, 'name' | 'connected'>[],
): RequestError {
  const missing = upstreams.filter(({ connected }) => connected === undefined).map(each => each.name);
  const hint =
    missing.length === 0
      ? `List the ${what}s again: they may have changed.`
      : `Not to be reached now, and tried again: ${missing.join(', ')}.`;
  return new RequestError(ErrorCode.InvalidParams, `Unknown ${what}: ${name.slice(0, 100)}. ${hint}`);
}

/** The SDK refuses a result with a block that it does not know, in the proxy as in its host. */
function readableByHost(result: CallToolResult): CallToolResult {
  if (CallToolResultSchema.safeParse(result).success) return result;
  const { structuredContent, ...rest } = result;
  const content = result.content.map(readKnownBlock);
  if (isRecord(structuredContent)) return { ...rest, structuredContent, content };
  const text = { type: 'text' as const, text: JSON.stringify(structuredContent) };
  return { ...rest, content: structuredContent === undefined || content.length > 0 ? content : [text] };
}
