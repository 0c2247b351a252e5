import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { InputQuestion } from '../../../src/client/input/input-handler.js';
import { capabilitiesToAsk } from '../../../src/client/input/pending-questions.js';
import { ConfigurationError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { connectTaskServer, TASK_ID, taskIn, textResult } from '../../fixtures/client/task-server.js';

const elicitation = {
  message: 'Which one?',
  requestedSchema: { type: 'object', properties: { it: { type: 'string' } } },
};
const related = { _meta: { 'io.modelcontextprotocol/related-task': { taskId: TASK_ID } } };
const asking = { clientOptions: { capabilities: { elicitation: {}, sampling: {}, roots: {} } } };

test.each([
  [undefined, false, {}],
  [undefined, true, { elicitation: {} }],
  [{ sampling: {} }, true, { sampling: {} }],
  [{ roots: {} }, false, { roots: {} }],
  [{ experimental: {} }, true, { experimental: {}, elicitation: {} }],
])(
  'a client that is given the capabilities %j, and a handler: %s, declares %j',
  (given, hasHandler, declared) => {
    expect(capabilitiesToAsk(given, hasHandler)).toEqual(declared);
  },
);

describe('the handler of a client', () => {
  test('answers elicitation, sampling and roots, for a task and for no task', async () => {
    const { client, server } = await connectTaskServer({ 'tasks/get': [taskIn('working')] }, asking);
    const asked: InputQuestion[] = [];
    const awaiting = new AwaitClient(client, {
      onInput: question => {
        asked.push(question);
        if (question.method === 'roots/list') return { roots: [{ uri: 'file:///here' }] };
        if (question.method === 'elicitation/create') return { action: 'accept', content: { it: 'this' } };
        return { role: 'assistant', model: 'none', content: { type: 'text', text: 'Hm.' } };
      },
    });
    const task = await awaiting.startTool({ name: 'research' });
    const waiting = failureOf(task.result());
    await new Promise(resolve => setImmediate(resolve));
    expect(await server.ask('elicitation/create', { ...elicitation, ...related })).toEqual({
      action: 'accept',
      content: { it: 'this' },
    });
    expect(await server.ask('sampling/createMessage', { messages: [], maxTokens: 5 })).toMatchObject({
      content: { text: 'Hm.' },
    });
    expect(await server.ask('roots/list', {})).toEqual({ roots: [{ uri: 'file:///here' }] });
    expect(asked.map(({ method, tool, reference }) => [method, tool, reference])).toEqual([
      ['elicitation/create', 'research', task.reference],
      ['sampling/createMessage', undefined, undefined],
      ['roots/list', undefined, undefined],
    ]);
    task.detach();
    await waiting;
  });

  test('gives way to that of a call, and to one that is set on the SDK’s client', async () => {
    const { client, server } = await connectTaskServer({ 'tasks/get': [taskIn('working')] }, asking);
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'cancel' }));
    const awaiting = new AwaitClient(client, { onInput: () => ({ roots: [] }) });
    expect(await server.ask('elicitation/create', elicitation)).toEqual({ action: 'cancel' });
    const onInput = () => ({ roots: [{ uri: 'file:///for-this-call' }] });
    const task = await awaiting.startTool({ name: 'research' }, { onInput });
    const waiting = failureOf(task.result());
    await new Promise(resolve => setImmediate(resolve));
    expect(await server.ask('roots/list', related)).toEqual(onInput());
    task.detach();
    await waiting;
    expect(await server.ask('roots/list', related)).toEqual({ roots: [] });
  });

  test('that no server would ask is refused', async () => {
    const { client } = await connectTaskServer({});
    expect(() => new AwaitClient(client, { onInput: () => ({ action: 'decline' }) })).toThrow(
      ConfigurationError,
    );
  });

  test('that is given for one call alone answers that one, too', async () => {
    const { client } = await connectTaskServer(
      {
        'tasks/get': [taskIn('input_required'), taskIn('completed')],
        'tasks/result': [
          async (_request: unknown, server: { ask(method: string, params: object): Promise<unknown> }) => {
            const { content } = (await server.ask('elicitation/create', { ...elicitation, ...related })) as {
              content: { it: string };
            };
            return textResult(content.it);
          },
          textResult('the end'),
        ],
      },
      asking,
    );
    const awaiting = new AwaitClient(client, { initialIntervalMs: 10 });
    const asked: string[] = [];
    const result = await awaiting.callTool({ name: 'research' }, undefined, {
      onInput: ({ params }) => {
        asked.push(String(params.message));
        return { action: 'accept', content: { it: 'this' } };
      },
    });
    expect([result, asked]).toEqual([textResult('the end'), ['Which one?']]);
  });
});

test('a client of version 2 of the SDK is refused with what to do instead', () => {
  const second = Object.assign(new Client({ name: 'x', version: '1' }), { getProtocolEra: () => 'modern' });
  expect(() => new AwaitClient(second)).toThrow(/`AwaitClient.connect` the URL or the command/);
});
