import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import type { PairProfile } from '../../../src/protocols/pair/profile.js';
import { pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { pollPair } from '../../../src/protocols/pair/steps.js';
import type { Port } from '../../../src/protocols/protocol.js';

const said = (text: string, isError = false): CallToolResult => ({
  content: [{ type: 'text', text }],
  ...(isError && { isError }),
});

/** Asks once about a task whose server gives these answers, in this order. */
async function poll(answers: readonly CallToolResult[], more: Partial<PairProfile> = {}) {
  const profile = pairProfileSchema.parse({
    name: 'cakes',
    start: { tool: 'bake_cake' },
    status: { tool: 'get_cake_status', handleArgument: 'cake_id' },
    ...more,
  });
  const asked: string[] = [];
  const port: Port = {
    callTool: () => Promise.reject(new Error('a pair sends plain requests')),
    async request({ params }, schema) {
      const answer = answers[asked.length];
      asked.push((params as { name: string }).name);
      return schema.parse(answer);
    },
  };
  const { signal } = new AbortController();
  const exchange = { port, signal, requestTimeoutMs: 1, silenceTimeoutMs: 1, holdMs: 0, onProgress() {} };
  const outcome = await pollPair({ pair: profile.name, profile, ids: ['x-1'] }, exchange).catch(
    (error: unknown) => error,
  );
  return { outcome, asked };
}

const completed = said('Cake x-1 has completed.');
const gone = said('Task x-1 not found', true);

describe('an end that a sentence tells', () => {
  test.each<[string, readonly CallToolResult[], object]>([
    ['counts when it is told twice', [completed, completed], { outcome: { status: 'completed' } }],
    [
      'does not count when the task goes on',
      [completed, said('Cake x-1 is still baking.')],
      { kind: 'running' },
    ],
    ['does not count beside another', [completed, said('Cake x-1 failed.')], { kind: 'running' }],
    [
      'counts when the server has forgotten the task',
      [completed, gone],
      { outcome: { status: 'completed' } },
    ],
  ])('%s', async (_name, answers, expected) => {
    const { outcome, asked } = await poll(answers);
    expect(outcome).toMatchObject(expected);
    expect(asked).toHaveLength(2);
  });

  test('is an unknown task where the server has never told of it', async () => {
    expect((await poll([gone])).outcome).toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});

describe('a result tool', () => {
  const done = said('{"cake_id":"x-1","status":"completed"}');
  const result = { tool: 'fetch_cake', handleArgument: 'cake_id', arguments: {} };

  test.each([
    'The result is not ready yet.',
    'Result not ready, please retry later',
    '{"code":104,"msg":"result not ready, please retry later"}',
    'The cake is not yet available',
    '{"status":"pending"}',
    '{"cake_id":"x-1","status":"in_progress","progress":40,"message":"Baking"}',
  ])('that says %j is asked again', async words => {
    for (const whenMissing of [false, true]) {
      const { outcome, asked } = await poll([done, said(words)], { result: { ...result, whenMissing } });
      expect(outcome).toMatchObject({ name: 'StatusCheckError', retryable: true });
      expect(asked).toEqual(['get_cake_status', 'fetch_cake']);
    }
  });

  test.each([
    ['something else', 'The oven was not available.'],
    ['when to come back', 'The cake is ready. Try again later for more.'],
    ['a record that is pending', '{"order_id":"o-7","status":"pending"}'],
    ['the state of a shelf', '{"shelf":"cold","status":"pending"}'],
    ['much more', `The oven is not ready yet. ${'It is cold. '.repeat(30)}`],
  ])('that says %s has told the result', async (_what, words) => {
    const { outcome } = await poll([done, said(words)], { result });
    expect(outcome).toMatchObject({ outcome: { status: 'completed', result: said(words) } });
  });

  test('that tells a report has told the result, whatever its sentences say', async () => {
    const report = said(`# Cakes\n\nIt is pending.\n${'Many more words. '.repeat(30)}`);
    const { outcome } = await poll([done, report], { result: { ...result, whenMissing: true } });
    expect(outcome).toMatchObject({ outcome: { status: 'completed', result: report } });
  });

  test('of a failed task may say that there is no result', async () => {
    const failed = said('{"cake_id":"x-1","status":"failed"}');
    const { outcome } = await poll([failed, said('The result is not ready yet.')], {
      result: { ...result, alsoFailed: true },
    });
    expect(outcome).toMatchObject({ outcome: { status: 'failed' } });
  });
});
