import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bundledPair } from '../../../src/protocols/bundled-pair.js';
import type { Exchange, Port, Protocol } from '../../../src/protocols/protocol.js';
import { toolPair } from '../../../src/protocols/tool-pair.js';

/** A port whose server gives one answer to everything, parsed as the SDK would. */
function answering(answer: unknown): Exchange {
  const port: Port = {
    callTool: () => Promise.reject(new Error('a pair sends plain requests')),
    async request(_request, schema) {
      return schema.parse(answer);
    },
  };
  const { signal } = new AbortController();
  return { port, signal, requestTimeoutMs: 1, silenceTimeoutMs: 1, holdMs: 0, onProgress: () => {} };
}

const text = fc.stringMatching(/^[a-zA-Z]{1,20}( [a-z]{1,9}){0,3}$/);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const error = fc.record(
  {
    code: fc.constantFrom('SLA_EXCEEDED', 'TASK_NOT_FOUND', 'BUSY', 'CANCELLED'),
    message: text,
    retryable: fc.boolean(),
  },
  { requiredKeys: ['code', 'message'] },
);
const question = fc.record({
  method: fc.constant('elicitation/create'),
  params: fc.constant({ message: '?' }),
});
const nothing = { result: fc.constant(null), error: fc.constant(null) };
const common = {
  task_ref: fc.constantFrom('task-1', 'task-1', 'task-1', 'task-2', undefined),
  progress: optional(fc.record({ progress: fc.nat(), total: optional(fc.nat()), message: optional(text) })),
  poll_after_ms: optional(fc.nat()),
  webhook: optional(fc.record({ status: fc.constantFrom('pending', 'delivered', 'failed'), error: text })),
};
/** What our own server answers, and what is no state. */
const data = fc.oneof(
  fc.record({ ...common, ...nothing, status: fc.constant('reticulating') }),
  fc.record({
    ...common,
    ...nothing,
    status: fc.constantFrom('queued', 'pending', 'processing', 'Processing', ' PENDING '),
    input_requests: optional(fc.dictionary(text, fc.oneof(question, fc.jsonValue()))),
  }),
  fc.record({
    ...common,
    ...nothing,
    status: fc.constantFrom('completed', 'COMPLETED'),
    result: optional(fc.jsonValue()),
  }),
  fc.record({
    ...common,
    ...nothing,
    status: fc.constantFrom('failed', 'cancelled'),
    error: fc.oneof(error, text, fc.constant(null)),
  }),
  fc.record({ ...common, status: fc.constantFrom(undefined, 3, null) }),
);
const answer = fc.record({ data, isText: fc.boolean(), isError: fc.constantFrom(true, false, false) }).map(
  ({ data: told, isText, isError }): CallToolResult => ({
    content: [{ type: 'text', text: JSON.stringify(told) }],
    ...(!isText && { structuredContent: JSON.parse(JSON.stringify(told)) }),
    ...(isError && { isError }),
  }),
);

async function outcomeOf(reading: Promise<object> | undefined): Promise<object> {
  try {
    const { handle: _handle, unknownWord: _word, ...read } = (await reading) as Record<string, unknown>;
    return read;
  } catch (thrown) {
    const { name, retryable } = thrown as { readonly name: string; readonly retryable?: boolean };
    return { name, retryable };
  }
}

const tool: Tool = { name: 'initiate_background_task', inputSchema: { type: 'object' } };
const tools = [tool, { ...tool, name: 'resolve_task_status' }];
const handle = { pair: 'mcp-await', id: 'task-1' };

test.each<[string, (protocol: Protocol, answer: CallToolResult) => Promise<object> | undefined]>([
  ['status', (protocol, given) => protocol.poll(handle, answering(given))],
  [
    'start',
    (protocol, given) => protocol.plan(tool, { tools })?.start({ name: tool.name }, answering(given)),
  ],
])('both readers read the same of random %s answers', async (_name, read) => {
  await fc.assert(
    fc.asyncProperty(answer, async given => {
      expect(await outcomeOf(read(toolPair, given))).toEqual(await outcomeOf(read(bundledPair, given)));
    }),
    { numRuns: 1000 },
  );
});
