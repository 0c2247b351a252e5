import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, status } from '../../fixtures/client/scripted-pair.js';

const question = { method: 'elicitation/create', params: { message: 'Sure?', requestedSchema: {} } };
const asking = status('processing', { input_requests: { q1: question } });

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a task of the bundled pair that asks', () => {
  test('ends the wait with the questions where nobody is there to answer, and keeps its reference', async () => {
    const { client } = await awaitFixture(pairTools(asking));
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({
      code: 'INPUT_REQUIRED',
      questions: [question],
      reference: { protocol: 'tool-pair', handle: { ids: ['task-1'] } },
      snapshot: { status: 'input_required' },
    });
  });

  test('ends the wait also where the client answers questions of other kinds', async () => {
    const { client } = await awaitFixture(pairTools(asking), {
      clientOptions: { capabilities: { roots: {} } },
      onInput: () => ({ roots: [] }),
    });
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ code: 'INPUT_REQUIRED', questions: [question] });
  });

  test('is awaited on where the client answers: the server asks in a request of its own', async () => {
    const { client } = await awaitFixture(pairTools([asking, completed]), {
      clientOptions: { capabilities: { elicitation: {} } },
      onInput: () => ({ action: 'accept', content: {} }),
    });
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(3000);
    expect((await result).structuredContent).toEqual({ answer: 42 });
  });

  test.each([{}, 'q1', { q1: 'Sure?' }, { q1: { method: 7 } }])(
    'asks nothing with %j as questions',
    async input_requests => {
      const { client } = await awaitFixture(pairTools([status('processing', { input_requests }), completed]));
      const result = client.callTool(startCall);
      await vi.advanceTimersByTimeAsync(3000);
      expect((await result).structuredContent).toEqual({ answer: 42 });
    },
  );
});
