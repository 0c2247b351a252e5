import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { connectNewer } from '../../fixtures/client/newer-server.js';
import { pairTools, startCall, status } from '../../fixtures/client/scripted-pair.js';
import { json } from '../../fixtures/client/scripted-server.js';
import { connectTaskServer, taskIn, textResult } from '../../fixtures/client/task-server.js';

/** `String` throws for it. */
const unprintable = { toString: 1, valueOf: 1 };
const call = { name: 'research' };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function failureWithin(promise: Promise<unknown>, limitMs: number) {
  const failure = failureOf(promise);
  await vi.advanceTimersByTimeAsync(limitMs);
  return failure;
}

test('a question whose message is no text ends the call, and is told as JSON', async () => {
  const asks = { inputRequests: { a: { method: 'elicitation/create', params: { message: unprintable } } } };
  const { client } = await connectNewer({ 'tools/call': [{ resultType: 'input_required', ...asks }] });
  const failure = await failureWithin(new AwaitClient(client).callTool(call), 1000);
  expect(failure).toMatchObject({ code: 'INPUT_REQUIRED' });
  expect(failure.message).toContain('It asks: {"toString":1,"valueOf":1}');
});

test('a question whose key is that of a prototype is answered under its key', async () => {
  const question = {
    method: 'elicitation/create',
    params: { message: 'Which?', requestedSchema: { type: 'object', properties: {} } },
  };
  const asks = { resultType: 'input_required', inputRequests: { ['__proto__']: question } };
  const { client, server } = await connectNewer(
    { 'tools/call': [asks, textResult('forty-two')] },
    { clientOptions: { capabilities: { elicitation: {} } } },
  );
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
  await expect(new AwaitClient(client).callTool(call)).resolves.toMatchObject(textResult('forty-two'));
  const responses = server.requests('tools/call')[1]?.inputResponses as object;
  expect(Object.entries(responses)).toEqual([['__proto__', { action: 'decline' }]]);
});

test('a status answer of a pair about something that is no id is told as JSON', async () => {
  const { client } = await awaitFixture(pairTools(status('processing', { task_ref: unprintable })));
  const failure = await failureWithin(client.callTool(startCall), 2000);
  expect(failure).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  expect(failure.message).toContain('answered about {"toString":1,"valueOf":1}');
});

test('an error of a pair whose code is no text is an error like any other', async () => {
  const refusal = json({ error: { code: unprintable, message: 'No.', retryable: false } }, true);
  const { client } = await awaitFixture(pairTools(refusal));
  const failure = await failureWithin(client.callTool(startCall), 2000);
  expect(failure).toMatchObject({ code: 'STATUS_CHECK_FAILED' });
});

test('a status answer of a told pair may hold anything beside its state', async () => {
  const shape = { type: 'object' as const, properties: { ticket_id: { type: 'string' } } };
  const { client } = await awaitFixture(
    {
      bake: json({ ticket_id: 't1', state: 'queued' }),
      look: [
        json({ ticket_id: unprintable, state: 'running' }),
        json({ job: { other: unprintable, ticket_id: 't1', state: 'done' } }),
      ],
    },
    {
      definitions: { look: { inputSchema: shape } },
      pairs: [
        {
          name: 'bakery',
          start: { tool: 'bake' },
          status: { tool: 'look', handleArgument: 'ticket_id', handleAt: 'ticket_id' },
        },
      ],
    },
  );
  const failure = await failureWithin(client.callTool({ name: 'bake', arguments: {} }), 5000);
  expect(failure).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  expect(failure.message).toContain('answered about {"toString":1,"valueOf":1}');
});

test('an id without end does not make a message without end', async () => {
  const { client } = await connectTaskServer({
    'tasks/get': [taskIn('working', { taskId: 'x'.repeat(100_000) })],
  });
  const failure = await failureWithin(new AwaitClient(client).callTool(call), 5000);
  expect(failure).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  expect(failure.message.length).toBeLessThan(2000);
});
