import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { readStatusAnswer } from '../../../src/protocols/pair/answers.js';
import { completePair } from '../../../src/protocols/pair/complete-pair.js';
import { pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { numberedStates } from '../../../src/protocols/pair/words.js';

const inputSchema: Tool['inputSchema'] = { type: 'object', properties: { cake_id: { type: 'string' } } };
const toolOf = (description: string): Tool => ({ name: 'get_cake_status', description, inputSchema });
const numbered: Tool = {
  ...toolOf('Tells how the cake is.'),
  outputSchema: {
    type: 'object',
    properties: {
      status: {
        type: 'integer',
        oneOf: [
          { const: 1, title: 'Queued' },
          { const: 2, title: 'Running' },
          { const: 3, title: 'Succeeded' },
          { const: 4, description: 'Failed' },
        ],
      },
    },
  },
};

test.each<[string, object]>([
  [
    '0 = queued, 1 = running, 2 = done, 3 = failed',
    { 0: 'working', 1: 'working', 2: 'completed', 3: 'failed' },
  ],
  [
    '0: pending; 1: processing; 2: success; -1: failed',
    { 0: 'working', 1: 'working', 2: 'completed', '-1': 'failed' },
  ],
  ['running (1), finished (2), failed (3)', { 1: 'working', 2: 'completed', 3: 'failed' }],
  [
    '1: running\n2: completed successfully\n3: failed with an error',
    { 1: 'working', 2: 'completed', 3: 'failed' },
  ],
  ['1 - 处理中，2 - 已完成，3 - 失败', { 1: 'working', 2: 'completed', 3: 'failed' }],
  ['1表示生成中，2表示成功，3表示失败', { 1: 'working', 2: 'completed', 3: 'failed' }],
  // Not all that a state can be.
  ['PENDING=0, RUNNING=1, SUCCESS=2', {}],
  ['Step 1: running the query; step 2: done', {}],
  ['1 = running, 2 = done, 2 = failed', {}],
  ['1 = running, 2 = done with errors, 3 = failed', {}],
  ['Waits 30 s. Retries: 3', {}],
])('of %j the numbers mean %j', (description, states) => {
  expect(numberedStates(toolOf(description))).toEqual(states);
});

test.each([
  [{ status: 2, stage: 3 }, 'running'],
  [{ data: { status: 3, cake: 'a cake' } }, 'completed'],
  [{ status: 4, message: 'burnt' }, 'failed'],
])('a status tool with an output schema that explains them tells by %j that it is %s', (said, end) => {
  const told = {
    name: 'p',
    start: { tool: 'start_cake' },
    status: { tool: numbered.name, handleArgument: 'cake_id' },
  };
  const pair = completePair(pairProfileSchema.parse(told), [numbered]);
  const answer: CallToolResult = { content: [{ type: 'text', text: JSON.stringify(said) }] };
  const read = readStatusAnswer(answer, pair, 'x-1');
  expect(read.kind === 'ended' ? read.outcome.status : read.kind).toBe(end);
});

test('a number that is not among them counts as running, and is told', () => {
  const told = {
    name: 'p',
    start: { tool: 'start_cake' },
    status: { tool: numbered.name, handleArgument: 'cake_id' },
  };
  const pair = completePair(pairProfileSchema.parse(told), [numbered]);
  expect(readStatusAnswer({ content: [{ type: 'text', text: '{"status":7}' }] }, pair, 'x-1')).toMatchObject({
    kind: 'running',
    unknownWord: '7',
  });
});
