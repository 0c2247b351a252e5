import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { openTelemetry } from '../../../src/open-telemetry.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';
import {
  completed,
  failed,
  pairTools,
  startCall,
  status,
  working,
} from '../../fixtures/client/scripted-pair.js';
import {
  json,
  refuse,
  type Script,
  type ScriptedServer,
  silence,
  text,
} from '../../fixtures/client/scripted-server.js';

const TOOL = 'initiate_background_task';
const exporter = new InMemorySpanExporter();

beforeEach(() => {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
});

afterEach(() => {
  vi.useRealTimers();
  exporter.reset();
  trace.disable();
  context.disable();
  propagation.disable();
});

/** What the server was sent as `_meta` with each `tools/call`, without the token that the SDK adds for progress. */
function metaOf({ received }: ScriptedServer): Record<string, unknown>[] {
  return received.flatMap(message => {
    if (!('method' in message) || message.method !== 'tools/call') return [];
    const { progressToken: _token, ...meta } = message.params?._meta ?? {};
    return [meta];
  });
}

const spans = () => exporter.getFinishedSpans();

function onlySpan() {
  expect(spans()).toHaveLength(1);
  const [span] = spans();
  if (span === undefined) throw new Error('no span');
  return span;
}

describe('a call under a tracer provider', () => {
  test('is one span from its start to its end, below the span that was active, with its polls as events', async () => {
    vi.useFakeTimers();
    const { client } = await awaitFixture(
      pairTools([status('processing', { progress: { progress: 1, total: 4 } }), completed]),
    );
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('agent', async agent => {
      const call = client.callTool(startCall);
      await vi.advanceTimersByTimeAsync(5000);
      await call;
      agent.end();
    });
    const [span, agent] = spans();
    expect(spans()).toHaveLength(2);
    expect(span).toMatchObject({
      name: `tools/call ${TOOL}`,
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': TOOL,
        'mcp_await.protocol': 'tool-pair',
        'mcp_await.status': 'completed',
      },
      instrumentationScope: { name: 'mcp-await' },
    });
    expect(span?.parentSpanContext?.spanId).toBe(agent?.spanContext().spanId);
    expect(span?.spanContext().traceId).toBe(agent?.spanContext().traceId);
    expect(span?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['task-started', {}],
      ['task-updated', { 'mcp_await.status': 'working', 'mcp_await.attempt': 0 }],
      ['status-requested', { 'mcp_await.attempt': 0, 'mcp_await.hold_ms': 0 }],
      [
        'task-updated',
        {
          'mcp_await.status': 'working',
          'mcp_await.attempt': 1,
          'mcp_await.progress': 1,
          'mcp_await.total': 4,
        },
      ],
      ['status-requested', { 'mcp_await.attempt': 1, 'mcp_await.hold_ms': 0 }],
      ['task-updated', { 'mcp_await.status': 'completed', 'mcp_await.attempt': 2 }],
    ]);
  });

  test('carries its trace context in the `_meta` of every request, and in no argument', async () => {
    const { client, server } = await awaitFixture(pairTools([working, completed]), {
      initialIntervalMs: 1,
      maxIntervalMs: 1,
    });
    const baggage = propagation.createBaggage({ user: { value: 'alice' } });
    await context.with(propagation.setBaggage(context.active(), baggage), async () => {
      const task = await client.startTool(startCall);
      await task.cancel();
      await task.result();
    });
    const { traceId, spanId } = onlySpan().spanContext();
    expect(metaOf(server)).toEqual(
      Array(4).fill({ traceparent: `00-${traceId}-${spanId}-01`, baggage: 'user=alice' }),
    );
    expect(server.calls.map(call => call.tool)).toEqual([
      TOOL,
      'cancel_background_task',
      'resolve_task_status',
      'resolve_task_status',
    ]);
    expect(JSON.stringify(server.calls)).not.toContain(traceId);
  });

  test('leaves what the caller gives in `_meta` as it is', async () => {
    const { client, server } = await awaitFixture(pairTools(completed), { initialIntervalMs: 1 });
    const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    await client.callTool({ ...startCall, _meta: { traceparent, note: 'mine' } });
    expect(metaOf(server)).toEqual([{ traceparent, note: 'mine' }, { traceparent }]);
  });

  test('of a synchronous tool does so, too', async () => {
    const { client, server } = await awaitFixture({ greet: text('hello') });
    await client.callTool({ name: 'greet', _meta: { note: 'mine' } });
    const { traceId, spanId } = onlySpan().spanContext();
    expect(metaOf(server)).toEqual([{ note: 'mine', traceparent: `00-${traceId}-${spanId}-01` }]);
  });

  test('that resumes a task is a span of its own', async () => {
    const { client } = await awaitFixture(pairTools(completed), { initialIntervalMs: 1 });
    const task = await client.startTool(startCall);
    task.detach();
    if (task.reference === undefined) throw new Error('no reference');
    await (await client.resumeTask(task.reference)).result();
    expect(spans().map(span => span.attributes['mcp_await.status'])).toEqual(['detached', 'completed']);
    const [first, second] = spans();
    expect(first?.spanContext().spanId).not.toBe(second?.spanContext().spanId);
    expect(first?.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('has a bounded number of events', async () => {
    const { client } = await awaitFixture({
      greet: async request => {
        for (let done = 1; done <= 150; done++) await request.progress({ progress: done });
        return text('done')(request);
      },
    });
    await client.callTool({ name: 'greet' });
    const span = onlySpan();
    expect(span.events).toHaveLength(100);
    // The last one tells the end.
    expect(span.attributes['mcp_await.dropped_events']).toBe(51);
  });
});

describe('a span says how its call failed', () => {
  const greet = { name: 'greet' };

  test.each<[string, Readonly<Record<string, Script>>, string, string]>([
    ['with the error of the task', pairTools(failed), 'SLA_EXCEEDED', 'It took too long.'],
    [
      'with the code of a result',
      { greet: json({ error: { code: 'DOWN', message: 'Away.' } }, true) },
      'DOWN',
      'Away.',
    ],
    [
      'as a tool error',
      { greet: () => ({ isError: true, content: [{ type: 'text', text: 'No.' }] }) },
      'tool_error',
      'No.',
    ],
    [
      'with the JSON-RPC error',
      { greet: refuse(new McpError(ErrorCode.InvalidParams, 'Wrong.')) },
      '-32602',
      'Wrong.',
    ],
  ])('%s', async (_case, tools, type, message) => {
    const { client } = await awaitFixture(tools, { initialIntervalMs: 1 });
    await client.callTool('greet' in tools ? greet : startCall).catch(() => {});
    const { status, attributes } = onlySpan();
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(status.message).toContain(message);
    expect(attributes['error.type']).toBe(type);
    expect(attributes['rpc.response.status_code']).toBe(type.startsWith('-') ? type : undefined);
  });

  test.each([
    ['an abort', 'ABORTED', (stop: AbortController) => stop.abort(), {}],
    ['the deadline', 'AWAIT_TIMEOUT', () => {}, { deadlineMs: 20 }],
    ['closing the client', 'ABORTED', (_: AbortController, client: AwaitClient) => client.close(), {}],
  ] as const)('after %s, and ends then', async (_case, code, end, options) => {
    for (const [tools, call] of [
      [{ greet: silence }, greet],
      [pairTools(working), startCall],
    ] as const) {
      exporter.reset();
      const { client } = await awaitFixture(tools, options);
      const stop = new AbortController();
      const failure = failureOf(client.callTool(call, undefined, { signal: stop.signal }));
      await new Promise(resolve => setTimeout(resolve, 10));
      await end(stop, client);
      expect(await failure).toMatchObject({ code });
      const { status, attributes } = onlySpan();
      expect([attributes['error.type'], status.code]).toEqual([code, SpanStatusCode.ERROR]);
    }
  });

  test('not at all when nobody asked its handle before the client was closed', async () => {
    const { client } = await awaitFixture(pairTools(working));
    await client.startTool(startCall);
    expect(spans()).toEqual([]);
    await client.close();
    const { status, attributes } = onlySpan();
    expect([attributes['mcp_await.status'], status.code]).toEqual(['detached', SpanStatusCode.UNSET]);
  });

  test('when the breaker refused it', async () => {
    const { client } = await awaitFixture(
      { greet: json({ error: { code: 'DOWN', message: 'Away.' } }, true) },
      { circuitBreaker: { minimumCalls: 1 } },
    );
    await client.callTool(greet);
    await failureOf(client.callTool(greet));
    expect(spans().map(span => span.attributes['error.type'])).toEqual(['DOWN', 'CIRCUIT_OPEN']);
  });

  test('and a call whose options are wrong is none', async () => {
    const { client } = await awaitFixture({ greet: silence });
    await failureOf(client.callTool(greet, undefined, { maxAttempts: 0 }));
    expect(spans()).toEqual([]);
    expect(client.stats().tools).toEqual([]);
  });
});

describe('a span says how the server was reached', () => {
  test('over HTTP', async () => {
    const server = new Server({ name: 'http', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
    await server.connect(transport as Parameters<Server['connect']>[0]);
    const origin = await loopbackServer((request, response) => transport.handleRequest(request, response));
    const client = await AwaitClient.connect(`${origin}/mcp?key=secret`);
    await client.callTool({ name: 'greet' }).catch(() => {});
    expect(onlySpan().attributes).toMatchObject({
      'network.transport': 'tcp',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(origin).port),
      'mcp.session.id': transport.sessionId,
      'mcp.protocol.version': expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    expect(JSON.stringify(onlySpan().attributes)).not.toContain('secret');
    await client.close();
  });

  test('over standard streams', async () => {
    const script = fileURLToPath(new URL('../../fixtures/client/stdio-server.mjs', import.meta.url));
    const client = await AwaitClient.connect({ command: process.execPath, args: [script, 'serve'] });
    await client.callTool({ name: 'environment' });
    expect(onlySpan().attributes).toMatchObject({
      'network.transport': 'pipe',
      'mcp.protocol.version': expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    await client.close();
  });
});

test('without a tracer provider nothing is loaded and nothing is sent', async () => {
  trace.disable();
  expect(openTelemetry('trace')).toBeUndefined();
  const { client, server } = await awaitFixture({ greet: text('hello') });
  await client.callTool({ name: 'greet' });
  expect(metaOf(server)).toEqual([{}]);
  expect(spans()).toEqual([]);
});
