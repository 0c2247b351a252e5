import { type CallToolResult, CallToolResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../../src/errors.js';
import { excerpt } from '../../src/protocols/excerpt.js';
import { meaningOf } from '../../src/protocols/pair/words.js';
import { handleOfTaskRef, taskRefOf } from '../../src/protocols/pairs/task-ref.js';
import type { Exchange, Port } from '../../src/protocols/protocol.js';
import { toolPair } from '../../src/protocols/tool-pair.js';
import {
  cancelled,
  completed,
  failed,
  pairTools,
  started,
  status,
  statusError,
  TASK_REF,
  working,
} from '../fixtures/client/scripted-pair.js';
import { type Reply, silence, text } from '../fixtures/client/scripted-server.js';
import { describeProtocol, type Scenario } from './conformance.js';
import { openScripted } from './scripted-connection.js';

const inputSchema: Tool['inputSchema'] = {
  type: 'object',
  properties: { operation_type: { type: 'string' }, idempotency_key: { type: 'string' } },
};
const startTool: Tool = { name: 'initiate_background_task', description: 'Starts a job.', inputSchema };
const statusTool: Tool = { name: 'resolve_task_status', inputSchema: { type: 'object' } };
const cancelTool: Tool = { name: 'cancel_background_task', inputSchema: { type: 'object' } };
const otherTool: Tool = { name: 'other', inputSchema: { type: 'object' } };
const all = { tools: [otherTool, startTool, statusTool, cancelTool] };

const laterStatus: Record<Exclude<Scenario, 'silent'>, Reply> = {
  completed,
  failed,
  cancelled,
  'unknown-word': status('reticulating splines'),
  'other-task': status('completed', { task_ref: 'task-2' }),
  unreadable: text('Have a nice day'),
  'not-found': statusError({ code: 'TASK_NOT_FOUND', message: 'no such task', retryable: false }),
};

describeProtocol('tool-pair', {
  protocol: toolPair,
  tool: startTool,
  server: all,
  open: scenario =>
    openScripted(
      scenario === 'silent'
        ? pairTools(silence, silence)
        : pairTools([working, laterStatus[scenario]], started()),
      cancelTool.name,
    ),
  result: { content: [{ type: 'text', text: '{"answer":42}' }], structuredContent: { answer: 42 } },
  error: { code: 'SLA_EXCEEDED', message: 'It took too long.', retryable: true },
});

/** A port whose server gives one answer to everything, parsed as the SDK would. */
function answering(answer: unknown): { exchange: Exchange; sent: unknown[] } {
  const sent: unknown[] = [];
  const port: Port = {
    callTool: () => Promise.reject(new Error('a pair sends plain requests')),
    async request(request, schema) {
      sent.push(request);
      return schema.parse(answer);
    },
  };
  const { signal } = new AbortController();
  return {
    sent,
    exchange: { port, signal, requestTimeoutMs: 1, silenceTimeoutMs: 1, holdMs: 0, onProgress: () => {} },
  };
}

const structured = (payload: unknown, isError?: boolean) => ({
  content: [],
  structuredContent: payload,
  ...(isError && { isError }),
});
const asText = (payload: unknown, isError?: boolean) => ({
  content: [{ type: 'text', text: JSON.stringify(payload) }],
  ...(isError && { isError }),
});

const plan = toolPair.plan(startTool, all);
const call = { name: startTool.name, arguments: { operation_type: 'sleep' } };
const handle = handleOfTaskRef(TASK_REF);
const startWith = (answer: unknown) => plan?.start(call, answering(answer).exchange);
const pollWith = (answer: unknown) => toolPair.poll(handle, answering(answer).exchange);

describe('a plan', () => {
  test.each<[string, Tool, Tool[], boolean]>([
    ['a start tool beside its status tool', startTool, [startTool, statusTool], true],
    ['a start tool alone', startTool, [startTool, cancelTool], false],
    ['the status tool', statusTool, [startTool, statusTool], false],
    ['any other tool', otherTool, [startTool, statusTool, otherTool], false],
  ])('is made for %s: %s', (_name, tool, tools, planned) => {
    expect(toolPair.plan(tool, { tools }) !== undefined).toBe(planned);
  });

  test('hides the status and cancel tools that the server has', () => {
    expect(plan?.hiddenTools).toEqual(['resolve_task_status', 'cancel_background_task']);
    expect(toolPair.plan(startTool, { tools: [startTool, statusTool] })?.hiddenTools).toEqual([
      'resolve_task_status',
    ]);
  });

  test('says in the description that the call waits, and drops the output schema of the start', () => {
    const tool: Tool = { ...startTool, outputSchema: { type: 'object' }, title: 'Start' };
    const listed = toolPair.plan(tool, all)?.listed;
    expect(listed).toEqual({
      name: tool.name,
      title: 'Start',
      inputSchema,
      description: expect.stringMatching(/^Starts a job\.\n\nThis call waits/),
    });
  });

  test('describes also a tool without a description', () => {
    const { description: _none, ...bare } = startTool;
    expect(toolPair.plan(bare, all)?.listed.description).toMatch(/^This call waits/);
  });
});

describe('a start', () => {
  const running = { kind: 'running', status: 'working', handle: { pair: 'mcp-await', ids: [TASK_REF] } };

  test.each<[string, unknown]>([
    ['structured', structured({ task_ref: TASK_REF, status: 'queued' })],
    ['only as JSON text', asText({ task_ref: TASK_REF, status: 'queued' })],
    [
      'as JSON text after a sentence',
      {
        content: [
          { type: 'text', text: 'Started.' },
          { type: 'text', text: `{"task_ref":"${TASK_REF}"}` },
        ],
      },
    ],
  ])('finds the handle %s', async (_where, answer) => {
    await expect(startWith(answer)).resolves.toMatchObject(running);
  });

  test('keeps a handle that is a number as it is', async () => {
    await expect(startWith(structured({ task_ref: 7 }))).resolves.toMatchObject({
      handle: { pair: 'mcp-await', ids: [7] },
    });
  });

  test("hands on the server's hint when to ask first", async () => {
    await expect(startWith(structured({ task_ref: TASK_REF, poll_after_ms: 250 }))).resolves.toMatchObject({
      hintMs: 250,
    });
  });

  test.each<[string, unknown]>([
    ['nothing', { content: [] }],
    ['a sentence', { content: [{ type: 'text', text: 'Started.' }] }],
    ['a list', asText([TASK_REF])],
    ['no handle', structured({ status: 'queued' })],
    ['an empty handle', structured({ task_ref: '' })],
    ['null for a handle', structured({ task_ref: null })],
    ['an object for a handle', structured({ task_ref: { id: TASK_REF } })],
    ['an image', { content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }] }],
  ])('that answers with %s is a violation that shows the answer', async (_what, answer) => {
    const starting = startWith(answer);
    await expect(starting).rejects.toThrow(ProtocolViolationError);
    await expect(starting).rejects.toThrow(/`initiate_background_task` answered without .*"content"/);
  });

  test('that answers with an error is the end, and the answer the result', async () => {
    const answer = structured({ error: { code: 'UNKNOWN_OPERATION', message: 'no such operation' } }, true);
    await expect(startWith(answer)).resolves.toEqual({
      kind: 'ended',
      outcome: {
        status: 'failed',
        error: { code: 'UNKNOWN_OPERATION', message: 'no such operation' },
        result: answer,
      },
      raw: answer,
    });
  });

  test('sends the idempotency key as the argument of the pair; an argument of the caller wins', async () => {
    const { exchange, sent } = answering(structured({ task_ref: TASK_REF }));
    await plan?.start(call, { ...exchange, idempotencyKey: 'key-1' });
    await plan?.start(
      { ...call, arguments: { idempotency_key: 'mine' } },
      { ...exchange, idempotencyKey: 'key-1' },
    );
    await plan?.start(call, exchange);
    expect(sent).toMatchObject([
      { params: { arguments: { operation_type: 'sleep', idempotency_key: 'key-1' } } },
      { params: { arguments: { idempotency_key: 'mine' } } },
      { params: { arguments: { operation_type: 'sleep' } } },
    ]);
    expect(sent[2]).not.toHaveProperty('params.arguments.idempotency_key');
  });

  test('sends no key to a tool that lists its arguments without it, and may not be sent twice', async () => {
    const { exchange, sent } = answering(structured({ task_ref: TASK_REF }));
    const keyless = { ...startTool, inputSchema: { type: 'object' as const, properties: {} } };
    const planned = toolPair.plan(keyless, all);
    await planned?.start(call, { ...exchange, idempotencyKey: 'key-1' });
    expect(sent[0]).not.toHaveProperty('params.arguments.idempotency_key');
    expect([planned?.idempotent, plan?.idempotent]).toEqual([false, true]);
  });
});

describe('a poll', () => {
  test.each([
    ['queued', 'working'],
    ['pending', 'working'],
    ['processing', 'working'],
    ['Processing', 'working'],
    [' PENDING ', 'working'],
  ])('reads `%s` as %s', async (word, expected) => {
    const answer = await pollWith(structured({ task_ref: TASK_REF, status: word }));
    expect(answer).toMatchObject({ kind: 'running', status: expected });
    expect(answer).not.toHaveProperty('unknownWord');
  });

  test.each(['completed', 'Completed', 'FAILED', 'cancelled'])('reads `%s` as the end', async word => {
    await expect(pollWith(structured({ status: word }))).resolves.toMatchObject({
      kind: 'ended',
      outcome: { status: word.toLowerCase() },
    });
  });

  test.each<[string, unknown, CallToolResult]>([
    ['an object', { a: 1 }, { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } }],
    [
      'a text',
      'done',
      { content: [{ type: 'text', text: '"done"' }], structuredContent: { result: 'done' } },
    ],
    ['a list', [1], { content: [{ type: 'text', text: '[1]' }], structuredContent: { result: [1] } }],
    ['0', 0, { content: [{ type: 'text', text: '0' }], structuredContent: { result: 0 } }],
    ['null', null, { content: [{ type: 'text', text: 'null' }], structuredContent: { result: null } }],
    [
      'nothing',
      undefined,
      { content: [{ type: 'text', text: 'null' }], structuredContent: { result: null } },
    ],
    [
      'a tool result',
      { content: [{ type: 'text', text: 'hi' }], isError: true },
      { content: [{ type: 'text', text: 'hi' }], isError: true },
    ],
  ])('of a completed task whose result is %s gives a tool result', async (_what, result, expected) => {
    await expect(pollWith(structured({ status: 'completed', result }))).resolves.toMatchObject({
      outcome: { status: 'completed', result: expected },
    });
  });

  test.each<[string, unknown, object]>([
    [
      'a whole error',
      { code: 'X', message: 'y', retryable: false },
      { code: 'X', message: 'y', retryable: false },
    ],
    ['an error without a code', { message: 'y' }, { code: 'TASK_FAILED', message: 'y' }],
    ['an error without a text', { code: 'X' }, { code: 'X', message: expect.stringContaining('no reason') }],
    ['a bare text', 'broken', { code: 'TASK_FAILED', message: 'broken' }],
    ['no error', null, { code: 'TASK_FAILED', message: expect.stringContaining('no reason') }],
  ])('of a failed task with %s always gives a code and a message', async (_what, error, expected) => {
    const answer = await pollWith(structured({ status: 'failed', error }));
    expect(answer).toMatchObject({ kind: 'ended', outcome: { status: 'failed' } });
    if (answer.kind === 'ended' && answer.outcome.status === 'failed')
      expect(answer.outcome.error).toEqual(expected);
  });

  test('reads progress, its message and the hint when to ask again', async () => {
    const progress = { progress: 3, total: 10, message: 'rendering' };
    await expect(
      pollWith(structured({ status: 'processing', progress, poll_after_ms: 500 })),
    ).resolves.toMatchObject({ progress, message: 'rendering', hintMs: 500 });
  });

  test.each([['0.3'], [{ progress: '3' }], [[1, 2]], [null]])(
    'does without progress of %j',
    async progress => {
      const answer = await pollWith(structured({ status: 'processing', progress, poll_after_ms: 'soon' }));
      expect(answer).toMatchObject({ kind: 'running' });
      expect(answer).not.toHaveProperty('progress');
      expect(answer).not.toHaveProperty('hintMs');
    },
  );

  test.each<[string, unknown]>([
    ['nothing', { content: [] }],
    ['HTML', { content: [{ type: 'text', text: '<html>' }] }],
    ['a list', asText([])],
    ['no status', structured({ task_ref: TASK_REF })],
    ['a number for a status', structured({ status: 3 })],
    ['an object for a status', structured({ status: { state: 'done' } })],
  ])('answered with %s is a violation', async (_what, answer) => {
    await expect(pollWith(answer)).rejects.toThrow(ProtocolViolationError);
  });

  test('quotes no more than the beginning of a long answer', async () => {
    const error = await pollWith({ content: [{ type: 'text', text: 'x'.repeat(10_000) }] }).catch(String);
    expect(String(error).length).toBeLessThan(600);
  });

  test('names both tasks when the answer is about another one', async () => {
    await expect(pollWith(structured({ task_ref: 'task-2', status: 'completed' }))).rejects.toThrow(
      /asked about task-1 and answered about task-2/,
    );
  });

  test.each<[string, unknown, boolean]>([
    ['structured, to be repeated', structured({ error: { code: 'BUSY', retryable: true } }, true), true],
    ['structured, not to be repeated', structured({ error: { code: 'BAD', retryable: false } }, true), false],
    ['structured without a word about it', structured({ error: { code: 'ODD' } }, true), true],
    ['as JSON text, not to be repeated', asText({ error: { retryable: false } }, true), false],
    ['a bare text', { content: [{ type: 'text', text: 'database is down' }], isError: true }, true],
    ['empty', { content: [], isError: true }, true],
  ])('answered with an error, %s, says nothing about the task', async (_what, answer, retryable) => {
    const error = await pollWith(answer).catch(caught => caught);
    expect(error).toBeInstanceOf(StatusCheckError);
    expect(error.retryable).toBe(retryable);
  });

  test.each([structured, asText])('answered with TASK_NOT_FOUND means just that', async shape => {
    const answer = shape({ error: { code: 'TASK_NOT_FOUND', message: 'no', retryable: false } }, true);
    await expect(pollWith(answer)).rejects.toThrow(TaskNotFoundError);
  });

  test.each([
    undefined,
    null,
    'task-1',
    {},
    { pair: 'mcp-await' },
    { pair: 'other', id: 'x' },
    { pair: 'mcp-await', id: '' },
  ])('with the handle %j is refused before anything is sent', async bad => {
    const { exchange, sent } = answering(structured({ status: 'completed' }));
    await expect(toolPair.poll(bad, exchange)).rejects.toThrow(TaskNotFoundError);
    expect(sent).toEqual([]);
  });
});

describe('a cancel', () => {
  test('calls the cancel tool about the task', async () => {
    const { exchange, sent } = answering(structured({ status: 'cancelled' }));
    await toolPair.cancel(handle, exchange);
    expect(sent).toEqual([
      { method: 'tools/call', params: { name: 'cancel_background_task', arguments: { task_ref: TASK_REF } } },
    ]);
  });

  test('that the server answers with an error says that the task was not cancelled', async () => {
    const answer = structured({ error: { code: 'BUSY', message: 'later' } }, true);
    await expect(toolPair.cancel(handle, answering(answer).exchange)).rejects.toThrow(
      /could not cancel the task task-1/,
    );
  });

  test('of a task that the server does not know tells so', async () => {
    const answer = structured({ error: { code: 'TASK_NOT_FOUND' } }, true);
    await expect(toolPair.cancel(handle, answering(answer).exchange)).rejects.toThrow(TaskNotFoundError);
  });
});

describe('whatever a server sends', () => {
  const anyWord = fc.oneof(
    fc.string(),
    fc.constantFrom('constructor', '__proto__', 'toString', 'hasOwnProperty', 'COMPLETED', 'in-progress'),
  );

  test('a status word is a known one or counts as running and is named', async () => {
    await fc.assert(
      fc.asyncProperty(anyWord, async word => {
        const answer = await pollWith(structured({ status: word }));
        if (meaningOf(word, { own: {} }) !== undefined) expect(answer).not.toHaveProperty('unknownWord');
        else expect(answer).toMatchObject({ kind: 'running', status: 'working', unknownWord: excerpt(word) });
      }),
    );
  });

  test('a start gives a usable handle or a violation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async id => {
        const answer = await startWith(structured({ task_ref: id }))?.catch(error => error);
        if (answer instanceof ProtocolViolationError) return;
        expect(answer).toMatchObject({ kind: 'running', handle: { ids: expect.any(Array) } });
        for (const each of answer.handle.ids) expect([id].flat()).toContain(each);
        const copy = JSON.parse(JSON.stringify(answer.handle));
        await expect(
          toolPair.poll(copy, answering(structured({ status: 'pending' })).exchange),
        ).resolves.toBeDefined();
      }),
    );
  });

  test('a poll answers in the contract or throws one of our errors', async () => {
    const anyAnswer = fc.record({
      content: fc.array(fc.record({ type: fc.constant('text'), text: fc.oneof(fc.string(), fc.json()) })),
      structuredContent: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
      isError: fc.option(fc.boolean(), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(anyAnswer, async answer => {
        CallToolResultSchema.parse(answer);
        const read = await pollWith(answer).catch(error => error);
        if (read instanceof Error)
          expect([ProtocolViolationError, StatusCheckError]).toContain(read.constructor);
        else expect(['running', 'ended']).toContain(read.kind);
      }),
    );
  });
});

test('a handle as version 0.1 wrote it still works: polls, cancels, joins others and is found by its topic', async () => {
  const old = { pair: 'mcp-await', id: TASK_REF, holds: true, many: true };
  const both = [old, handle];
  for (const answer of [structured({ task_ref: TASK_REF, status: 'processing' })]) {
    const { exchange, sent } = answering(answer);
    const [before, now] = await Promise.all(both.map(each => toolPair.poll(each, exchange)));
    await Promise.all(both.map(each => toolPair.cancel(each, exchange)));
    expect(before).toEqual(now);
    expect(sent[0]).toEqual(sent[1]);
    expect(sent[2]).toEqual(sent[3]);
  }
  expect(toolPair.topics?.(old)).toEqual([TASK_REF]);
  expect([toolPair.holds?.(old), toolPair.many?.groupOf(old)]).toEqual([
    true,
    toolPair.many?.groupOf(handle),
  ]);
});

test('the handle of our own server can be made from, and read back as, a task_ref', () => {
  expect(taskRefOf(handleOfTaskRef('abc'))).toBe('abc');
  expect(taskRefOf({ pair: 'mcp-await', id: 'abc', holds: true })).toBe('abc');
  for (const other of [undefined, null, 'abc', { pair: 'other', id: 'abc' }, { pair: 'mcp-await' }])
    expect(taskRefOf(other)).toBeUndefined();
});

describe('a tool that the server marks as one of its pair', () => {
  const marked: Tool = {
    name: 'hash_tree',
    inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
    outputSchema: { type: 'object' },
    _meta: { 'io.github.mcp-await/pair': 'mcp-await' },
  };
  const tools = [marked, startTool, statusTool, cancelTool];
  const markedPlan = toolPair.plan(marked, { tools });
  const markedCall = { name: 'hash_tree', arguments: { path: '.' } };
  const task = (status: string) => ({
    'io.github.mcp-await/task': { task_ref: TASK_REF, status, poll_after_ms: 7 },
  });
  const answerTo = (answer: unknown) => markedPlan?.start(markedCall, answering(answer).exchange);

  test('is a plan of its own that needs the status tool', () => {
    expect(markedPlan).toMatchObject({ startKind: 'task', idempotent: true });
    expect(markedPlan?.listed).toEqual({ name: 'hash_tree', inputSchema: marked.inputSchema });
    expect(toolPair.plan(marked, { tools: [marked] })).toBeUndefined();
    expect(
      toolPair.plan({ ...marked, _meta: { 'io.github.mcp-await/pair': 'other' } }, { tools }),
    ).toBeUndefined();
  });

  test('gets its arguments as they are; the key and the wait go beside them, and the caller may say both', async () => {
    const { exchange, sent } = answering(structured({}));
    await markedPlan?.start(markedCall, { ...exchange, idempotencyKey: 'k', holdMs: 1500 });
    await markedPlan?.start(
      { ...markedCall, _meta: { other: 1, 'io.github.mcp-await/call': { idempotency_key: 'own' } } },
      { ...exchange, idempotencyKey: 'k' },
    );
    const key = 'io.github.mcp-await/call';
    expect(sent).toEqual([
      {
        method: 'tools/call',
        params: { ...markedCall, _meta: { [key]: { wait_seconds: 1.5, idempotency_key: 'k' } } },
      },
      {
        method: 'tools/call',
        params: { ...markedCall, _meta: { other: 1, [key]: { wait_seconds: 0, idempotency_key: 'own' } } },
      },
    ]);
  });

  test('starts a task', async () => {
    expect(await answerTo({ ...structured({ task_ref: TASK_REF }), _meta: task('queued') })).toMatchObject({
      kind: 'running',
      handle: { pair: 'mcp-await', ids: [TASK_REF] },
      hintMs: 7,
    });
  });

  test('may end with the call, in each way', async () => {
    const error = { code: 'BUSY', message: 'Later', retryable: true };
    const completed = { ...structured({ digest: 'd' }), _meta: task('completed') };
    expect(await answerTo(completed)).toMatchObject({
      kind: 'ended',
      handle: { ids: [TASK_REF] },
      outcome: { status: 'completed', result: { structuredContent: { digest: 'd' } } },
    });
    expect(await answerTo({ ...structured({ error }, true), _meta: task('failed') })).toMatchObject({
      outcome: { status: 'failed', error },
    });
    expect(await answerTo({ ...structured({ error }, true), _meta: task('cancelled') })).toMatchObject({
      outcome: { status: 'cancelled', error },
    });
    expect(await answerTo(structured({ error }, true))).toMatchObject({
      kind: 'ended',
      outcome: { status: 'failed', error },
    });
  });

  test('may not answer without the task that it names', async () => {
    await expect(
      answerTo({ ...structured({}), _meta: { 'io.github.mcp-await/task': { status: 'queued' } } }),
    ).rejects.toThrow(/without a task/);
  });
});
