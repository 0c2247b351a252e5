import { expect, test } from 'vitest';
import { sdkProgressOf } from '../../../src/client/sdk/sdk-call-options.js';
import type { Progress, Snapshot } from '../../../src/types.js';
import { awaitFixture } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, status, working } from '../../fixtures/client/scripted-pair.js';

test.each<[string, Partial<Snapshot>, Progress | undefined]>([
  ['figures', { progress: { progress: 3, total: 7 } }, { progress: 3, total: 7 }],
  [
    'figures and a message',
    { progress: { progress: 3 }, message: 'frame 3' },
    { progress: 3, message: 'frame 3' },
  ],
  [
    'figures with a message of their own',
    { progress: { progress: 3, message: 'frame 3' }, message: 'busy' },
    { progress: 3, message: 'frame 3' },
  ],
  [
    'figures of a task that asks something',
    { status: 'input_required', progress: { progress: 3 } },
    { progress: 3, message: 'input_required' },
  ],
  ['a message', { message: 'busy' }, { progress: 4, message: 'busy' }],
  ['a status', {}, { progress: 4, message: 'working' }],
  ['an end', { status: 'completed', progress: { progress: 7, total: 7 } }, undefined],
])('a state with %s', (_case, fields, expected) => {
  const snapshot: Snapshot = { status: 'working', attempt: 4, elapsedMs: 1, raw: undefined, ...fields };
  expect(sdkProgressOf(snapshot)).toEqual(expected);
});

test('`onprogress` of a task hears of every answer, with its message and figures', async () => {
  const { client } = await awaitFixture(
    pairTools([
      working,
      status('processing', { progress: { progress: 1, total: 2, message: 'half' } }),
      completed,
    ]),
    { initialIntervalMs: 1, maxIntervalMs: 1 },
  );
  const heard: Progress[] = [];
  const onprogress = (progress: {
    progress: number;
    total?: number | undefined;
    message?: string | undefined;
  }) => void heard.push(progress as Progress);
  await client.callTool(startCall, undefined, { onprogress });
  expect(heard).toEqual([
    { progress: 0, message: 'working' },
    { progress: 1, message: 'working' },
    { progress: 1, total: 2, message: 'half' },
  ]);
});

test('`updates()` carries status, message, progress and attempt', async () => {
  const told = { progress: 1, total: 2, message: 'half' };
  const { client } = await awaitFixture(pairTools([status('processing', { progress: told }), completed]), {
    initialIntervalMs: 1,
    maxIntervalMs: 1,
  });
  const task = await client.startTool(startCall);
  const seen = [];
  for await (const { status, message, progress, attempt } of task.updates())
    seen.push({ status, message, progress, attempt });
  expect(seen).toEqual([
    { status: 'working', message: undefined, progress: undefined, attempt: 0 },
    { status: 'working', message: 'half', progress: told, attempt: 1 },
    { status: 'completed', message: undefined, progress: undefined, attempt: 2 },
  ]);
});
