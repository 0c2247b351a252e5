import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TaskHandle } from '../../src/client/task-handle.js';
import type { Snapshot } from '../../src/types.js';
import { awaitFixture, failureOf } from '../fixtures/client/await-fixture.js';
import {
  completed,
  pairTools,
  startCall,
  started,
  status,
  TASK_REF,
  working,
} from '../fixtures/client/scripted-pair.js';
import { held, refuse, silence, text } from '../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const START = 'initiate_background_task';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Reads updates to the end as fast as they come. */
async function readAll(task: TaskHandle): Promise<Snapshot[]> {
  const seen: Snapshot[] = [];
  for await (const update of task.updates()) seen.push(update);
  return seen;
}

const steps = (seen: readonly Snapshot[]) => seen.map(({ status, attempt }) => `${status} ${attempt}`);

describe('startTool', () => {
  test('gives a handle once the server has accepted the job, and polls nothing yet', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    expect(task).toMatchObject({
      tool: START,
      protocol: 'tool-pair',
      snapshot: { status: 'working', attempt: 0 },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(callTimes(POLL)).toEqual([]);
  });

  test('gives a reference of plain JSON', async () => {
    vi.setSystemTime('2026-11-20T10:00:00Z');
    const { client } = await awaitFixture(pairTools(completed));
    const { reference } = await client.startTool(startCall);
    expect(reference).toEqual({
      version: 1,
      protocol: 'tool-pair',
      tool: START,
      handle: { pair: 'mcp-await', ids: [TASK_REF] },
      startedAt: '2026-11-20T10:00:00.000Z',
    });
    expect(JSON.parse(JSON.stringify(reference))).toEqual(reference);
  });

  test('waits for the answer of the start', async () => {
    const { reply, release } = held(started());
    const { client } = await awaitFixture(pairTools(completed, reply));
    const given = vi.fn();
    client.startTool(startCall).then(given);
    await vi.advanceTimersByTimeAsync(1000);
    expect(given).not.toHaveBeenCalled();
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(given).toHaveBeenCalledOnce();
  });

  test('throws when the job could not be started', async () => {
    const { client } = await awaitFixture(
      pairTools(completed, refuse(new McpError(ErrorCode.InvalidParams, 'no such operation'))),
    );
    expect(await failureOf(client.startTool(startCall))).toBeInstanceOf(McpError);
  });

  test('gives a finished handle for an answer that is the end already', async () => {
    const { client } = await awaitFixture(pairTools(completed, refuse(new Error('unused'))));
    const quick = await awaitFixture({ quick: text('done') });
    const task = await quick.client.startTool({ name: 'quick' });
    expect(task).toMatchObject({ protocol: 'sync', reference: undefined });
    await expect(task.result()).resolves.toEqual({ content: [{ type: 'text', text: 'done' }] });
    expect(task.snapshot).toMatchObject({ status: 'completed' });
    await client.close();
  });

  test('gives the handle of a synchronous call while it is under way', async () => {
    const { reply, release } = held(text('done'));
    const { client, server } = await awaitFixture({ slow: reply });
    const task = await client.startTool({ name: 'slow' });
    expect(task).toMatchObject({ protocol: 'sync', reference: undefined, snapshot: { status: 'working' } });
    await vi.advanceTimersByTimeAsync(0);
    expect(server.calls).toHaveLength(1);
    release();
    await expect(task.result()).resolves.toMatchObject({ content: [{ text: 'done' }] });
  });

  test('leaves a failure that nobody asks for unnoticed', async () => {
    const { client } = await awaitFixture({ slow: refuse(new Error('boom')) });
    await client.startTool({ name: 'slow' });
    await vi.advanceTimersByTimeAsync(0);
  });
});

describe('a handle', () => {
  test('is not thenable', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    expect(task).not.toHaveProperty('then');
    expect(await task).toBe(task);
  });

  test('gives the same result however often it is asked for, also at once, and asks the server once', async () => {
    const { client, callTimes } = await awaitFixture(pairTools([working, completed]));
    const task = await client.startTool(startCall);
    const first = [task.result(), task.result()];
    await vi.advanceTimersByTimeAsync(3000);
    const results = [...(await Promise.all(first)), await task.result()];
    expect(new Set(results).size).toBe(1);
    expect(callTimes(POLL)).toEqual([1000, 3000]);
  });

  test('throws the same error however often it is asked', async () => {
    const { client } = await awaitFixture(pairTools(working));
    const task = await client.startTool(startCall, { maxAttempts: 1 });
    const failures = [failureOf(task.result()), failureOf(readAll(task))];
    await vi.advanceTimersByTimeAsync(1000);
    const errors = [...(await Promise.all(failures)), await failureOf(task.result())];
    expect(errors[0]).toMatchObject({ budget: 'attempts' });
    expect(new Set(errors).size).toBe(1);
  });

  test('whose result nobody takes is no unhandled rejection', async () => {
    const { client } = await awaitFixture(pairTools(working));
    const task = await client.startTool(startCall, { maxAttempts: 1 });
    const updates = task.updates();
    await updates.next();
    await vi.advanceTimersByTimeAsync(1000);
  });
});

describe('updates()', () => {
  test('tells every state from the present one to the last, and shares the wait with result()', async () => {
    const { client, callTimes } = await awaitFixture(
      pairTools([working, status('processing', { progress: { progress: 1 } }), completed]),
    );
    const task = await client.startTool(startCall);
    const [seen, again, result] = [readAll(task), readAll(task), task.result()];
    await vi.advanceTimersByTimeAsync(7000);
    expect(steps(await seen)).toEqual(['working 0', 'working 1', 'working 2', 'completed 3']);
    expect(await again).toEqual(await seen);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    expect(callTimes(POLL)).toEqual([1000, 3000, 7000]);
  });

  test('after the end tells the last state only', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    const result = task.result();
    await vi.advanceTimersByTimeAsync(1000);
    await result;
    expect(steps(await readAll(task))).toEqual(['completed 1']);
  });

  test('gives a slow reader the latest state and skips those between', async () => {
    const { client } = await awaitFixture(pairTools([working, working, working, completed]));
    const task = await client.startTool(startCall);
    const seen: Snapshot[] = [];
    const reading = (async () => {
      for await (const update of task.updates()) {
        seen.push(update);
        await new Promise(resolve => setTimeout(resolve, 5000));
      }
    })();
    await vi.advanceTimersByTimeAsync(60_000);
    await reading;
    expect(steps(seen)).toEqual(['working 0', 'working 2', 'working 3', 'completed 4']);
  });

  test('begins the wait by itself', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    const seen = readAll(task);
    await vi.advanceTimersByTimeAsync(1000);
    expect(steps(await seen)).toEqual(['working 0', 'completed 1']);
    await expect(task.result()).resolves.toBeDefined();
  });

  test('may be left early; the wait goes on for the others', async () => {
    const { client } = await awaitFixture(pairTools([working, completed]));
    const task = await client.startTool(startCall);
    for await (const update of task.updates()) {
      expect(update.attempt).toBe(0);
      break;
    }
    const result = task.result();
    await vi.advanceTimersByTimeAsync(3000);
    await expect(result).resolves.toBeDefined();
  });

  test('ends with the error of the wait after the last state', async () => {
    const { client } = await awaitFixture(pairTools(silence));
    const task = await client.startTool(startCall);
    const seen: Snapshot[] = [];
    const failure = failureOf(
      (async () => {
        for await (const update of task.updates()) seen.push(update);
      })(),
    );
    await vi.advanceTimersByTimeAsync(1500);
    task.detach();
    expect(await failure).toMatchObject({ name: 'AwaitDetachedError' });
    expect(steps(seen)).toEqual(['working 0']);
  });

  test('tells the progress of a synchronous call', async () => {
    const { client } = await awaitFixture({
      slow: async ({ progress }) => {
        for (const step of [1, 2]) {
          await new Promise(resolve => setTimeout(resolve, 1000));
          await progress({ progress: step, total: 2 });
        }
        return text('done')({} as never);
      },
    });
    const task = await client.startTool({ name: 'slow' });
    const seen = readAll(task);
    await vi.advanceTimersByTimeAsync(2000);
    const updates = await seen;
    expect(updates.map(update => update.progress?.progress)).toEqual([undefined, 1, 2, undefined]);
    expect(updates.at(-1)).toMatchObject({ status: 'completed' });
  });
});
