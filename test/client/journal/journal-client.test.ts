import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { JournalFile } from '../../../src/client/journal/journal-file.js';
import type { JournalOptions } from '../../../src/client/journal/options.js';
import { ConfigurationError, OutcomeUnknownError, TaskNotFoundError } from '../../../src/errors.js';
import { openConnection } from '../../../src/storage/driver.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  completed,
  failed,
  pairTools,
  startCall,
  started,
  statusError,
  working,
} from '../../fixtures/client/scripted-pair.js';
import { held, json, refuse, type Script, silence, text } from '../../fixtures/client/scripted-server.js';
import { type JournalPlace, newJournalPlace } from './journal-fixture.js';

const START = 'initiate_background_task';
const POLL = 'resolve_task_status';
const key = { idempotencyKey: 'order-1' };

let place: JournalPlace;
let seen: JournalFile;

beforeEach(async () => {
  place = await newJournalPlace();
  seen = place.open();
});

afterEach(() => place.remove());

/** A client as a process of its own would have it. It is never closed: its process may have crashed. */
const newProcess = (scripts: Readonly<Record<string, Script>>, journal: JournalOptions = {}) =>
  awaitFixture(scripts, {
    initialIntervalMs: 1,
    maxIntervalMs: 1,
    journal: { file: place.file, ...journal },
  });

const states = () => seen.list({ all: true }).map(record => record.state);
const countOf = (server: { calls: readonly { tool: string }[] }, tool: string) =>
  server.calls.filter(call => call.tool === tool).length;

/** Waits until the journal says so. */
async function until(expected: readonly string[]): Promise<void> {
  await expect.poll(states, { interval: 5 }).toEqual(expected);
}

describe('what is written, and when', () => {
  test('the call before it is sent, the reference before the wait, the end before it is told, its delivery after', async () => {
    const log: string[] = [];
    const note = (moment: string) => log.push(`${moment}: ${states()}`);
    const { client } = await awaitFixture(
      pairTools(
        request => {
          note('asked');
          return completed(request);
        },
        request => {
          note('called');
          return started()(request);
        },
      ),
      {
        initialIntervalMs: 1,
        journal: { file: place.file },
        onEvent: ({ type }) => (type === 'task-started' || type === 'task-ended') && note(type),
      },
    );
    await client.callTool(startCall);
    note('returned');
    await nextTurn();
    note('a turn later');
    expect(log).toEqual([
      'called: starting',
      'task-started: running',
      'asked: running',
      'task-ended: ended',
      'returned: ended',
      'a turn later: delivered',
    ]);
    expect(seen.list({ all: true })).toMatchObject([
      {
        tool: START,
        protocol: 'tool-pair',
        status: 'completed',
        server: { kind: 'other', name: 'scripted' },
      },
    ]);
  });

  test('with `acknowledge`, the delivery only when it is acknowledged', async () => {
    const { client } = await newProcess(pairTools(completed), { acknowledge: true });
    const task = await client.startTool(startCall);
    await task.result();
    await nextTurn();
    expect(states()).toEqual(['ended']);
    expect(seen.find(task.journalId ?? '')?.state).toBe('ended');
    task.acknowledge();
    expect(states()).toEqual(['delivered']);
  });

  test('the delivery also where the client is closed at once', async () => {
    const { client } = await newProcess(pairTools(completed));
    await client.callTool(startCall);
    await client.close();
    expect(states()).toEqual(['delivered']);
  });

  test('what a running task says of itself', async () => {
    const { client } = await newProcess(
      pairTools([
        json({
          task_ref: 'task-1',
          status: 'processing',
          progress: { progress: 1, total: 2, message: 'half' },
        }),
        silence,
      ]),
    );
    const call = client.callTool(startCall);
    call.catch(() => {});
    await expect.poll(() => seen.list({ all: false })).toMatchObject([{ state: 'running', message: 'half' }]);
    await client.close();
  });

  test('nothing, of a call that the server refused', async () => {
    const refusing = refuse(new McpError(ErrorCode.InvalidParams, 'no'));
    const { client } = await newProcess({ bake: refusing });
    await failureOf(client.callTool({ name: 'bake' }, undefined, key));
    expect(states()).toEqual([]);
  });

  test('the task of a start that was given up before the server had answered', async () => {
    const late = held(started());
    const { client } = await newProcess(pairTools(working, late.reply));
    const aborting = new AbortController();
    const call = failureOf(client.callTool(startCall, undefined, { signal: aborting.signal }));
    await until(['starting']);
    aborting.abort();
    await call;
    late.release();
    await until(['running']);
    expect(seen.list({ all: false })).toMatchObject([{ reference: { handle: { ids: ['task-1'] } } }]);
  });

  test('that the server no longer knows a task', async () => {
    // A server may not know a task of the last ten seconds yet.
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 10_001);
    const gone = statusError({ code: 'TASK_NOT_FOUND', message: 'none' });
    const { client } = await newProcess(pairTools(gone));
    expect(await failureOf(client.callTool(startCall))).toBeInstanceOf(TaskNotFoundError);
    expect(seen.list({ all: true })).toMatchObject([{ state: 'delivered', status: 'unknown' }]);
  });

  test('nothing, of a call that was given up before it was sent', async () => {
    const { client, server } = await newProcess(pairTools(completed));
    await client.explainTools();
    const aborting = new AbortController();
    const call = failureOf(client.callTool(startCall, undefined, { signal: aborting.signal }));
    await Promise.resolve();
    aborting.abort();
    expect(await call).toMatchObject({ code: 'ABORTED' });
    await nextTurn();
    expect([states(), server.calls]).toEqual([[], []]);
  });

  test('nothing without the option', async () => {
    const { client } = await awaitFixture(pairTools(completed), { initialIntervalMs: 1 });
    await client.callTool(startCall, undefined, key);
    expect(states()).toEqual([]);
  });
});

describe('the same key after a crash', () => {
  test('goes on with the task that runs', async () => {
    const crashed = await newProcess(pairTools(working));
    await crashed.client.startTool(startCall, key);
    const next = await newProcess(pairTools([working, completed]));
    const result = await next.client.callTool(startCall, undefined, key);
    expect(result.structuredContent).toEqual({ answer: 42 });
    expect([countOf(next.server, START), countOf(next.server, POLL)]).toEqual([0, 2]);
    await nextTurn();
    expect(states()).toEqual(['delivered']);
  });

  test.each([
    ['that nobody had', { acknowledge: true }],
    ['that was delivered', {}],
  ])('gives the result %s, without a word to the server', async (_case, journal) => {
    const crashed = await newProcess(pairTools(completed), journal);
    const first = await crashed.client.callTool(startCall, undefined, key);
    await nextTurn();
    const next = await newProcess(pairTools(working), journal);
    const updates: string[] = [];
    const task = await next.client.startTool(startCall, {
      ...key,
      onUpdate: ({ status }) => updates.push(status),
    });
    expect(await task.result()).toEqual(first);
    expect(task).toMatchObject({ protocol: 'tool-pair', reference: { handle: { ids: ['task-1'] } } });
    expect([next.server.calls, updates]).toEqual([[], ['completed']]);
  });

  test('gives the result of a synchronous tool', async () => {
    const crashed = await newProcess({ bake: text('a cake') }, { acknowledge: true });
    const first = await crashed.client.callTool({ name: 'bake' }, undefined, key);
    const next = await newProcess({ bake: text('another cake') });
    expect(await next.client.callTool({ name: 'bake' }, undefined, key)).toEqual(first);
    expect(next.server.calls).toEqual([]);
  });

  test('tells again that a task has failed', async () => {
    const crashed = await newProcess(pairTools(failed));
    const first = await crashed.client.callTool(startCall, undefined, key);
    await nextTurn();
    const next = await newProcess(pairTools(completed));
    expect(await next.client.callTool(startCall, undefined, key)).toEqual(first);
    expect(first.isError).toBe(true);
  });

  test('calls again once a refusal is known', async () => {
    const full = json({ error: { code: 'QUEUE_FULL', message: 'later' } }, true);
    const first = await newProcess(pairTools(completed, full));
    expect((await first.client.callTool(startCall, undefined, key)).isError).toBe(true);
    await nextTurn();
    const next = await newProcess(pairTools(completed));
    expect((await next.client.callTool(startCall, undefined, key)).structuredContent).toEqual({ answer: 42 });
    expect(seen.list({ all: true })).toHaveLength(1);
  });

  test('sends the start again where the tool takes the key', async () => {
    const crashed = await newProcess(pairTools(working, silence));
    crashed.client.callTool(startCall, undefined, key).catch(() => {});
    await until(['starting']);
    const next = await newProcess(pairTools(completed));
    await next.client.callTool(startCall, undefined, key);
    expect(next.server.calls[0]?.arguments).toMatchObject({ idempotency_key: 'order-1' });
    await crashed.client.close();
  });

  test('does not send it again where a second start may do harm', async () => {
    const crashed = await newProcess({ bake: silence });
    crashed.client.callTool({ name: 'bake' }, undefined, key).catch(() => {});
    await until(['starting']);
    // What the end of its process does after 15 s.
    seen.holdClaims(
      seen.list({ all: true }).map(record => record.id),
      -1,
    );
    const next = await newProcess({ bake: text('a second cake') });
    const error = await failureOf(next.client.callTool({ name: 'bake' }, undefined, key));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toMatch(/may or may not have run.*another key or after `npx mcp-await forget /);
    expect(next.server.calls).toEqual([]);
    await crashed.client.close();
  });

  test('asks the server for a result that was too large to be kept', async () => {
    const large = json({ task_ref: 'task-1', status: 'completed', result: { data: 'x'.repeat(2 ** 20) } });
    const crashed = await newProcess(pairTools(large));
    await crashed.client.callTool(startCall, undefined, key);
    const next = await newProcess(pairTools(completed));
    await next.client.callTool(startCall, undefined, key);
    expect(next.server.calls.map(call => call.tool)).toEqual([POLL]);
  });

  test('is refused for other arguments', async () => {
    const { client, server } = await newProcess(pairTools(completed));
    await client.callTool(startCall, undefined, key);
    const other = { name: START, arguments: { operation_type: 'other' } };
    const error = await failureOf(client.callTool(other, undefined, key));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/`order-1` already names a call .* with other arguments/);
    expect(countOf(server, START)).toBe(1);
  });

  test('is another call for a server of another name', async () => {
    const one = await newProcess(pairTools(completed), { server: 'one' });
    await one.client.callTool(startCall, undefined, key);
    const two = await newProcess(pairTools(completed), { server: 'two' });
    await two.client.callTool(startCall, undefined, key);
    expect(countOf(two.server, START)).toBe(1);
  });

  test('matches nothing where the caller gave none', async () => {
    const { client, server } = await newProcess(pairTools(completed));
    await client.callTool(startCall);
    await client.callTool(startCall);
    expect(countOf(server, START)).toBe(2);
  });
});

describe('two calls with one key at once', () => {
  test('are one execution, also where the tool takes no key', async () => {
    const oven = held(text('a cake'));
    const one = await newProcess({ bake: oven.reply });
    const two = await newProcess({ bake: text('a second cake') });
    const first = one.client.callTool({ name: 'bake' }, undefined, key);
    await until(['starting']);
    const second = two.client.callTool({ name: 'bake' }, undefined, key);
    oven.release();
    expect(await second).toEqual(await first);
    expect(two.server.calls).toEqual([]);
  });

  test('let the one that waits for the other give up', async () => {
    const one = await newProcess({ bake: silence });
    one.client.callTool({ name: 'bake' }, undefined, key).catch(() => {});
    await until(['starting']);
    const two = await newProcess({ bake: text('a second cake') });
    const call = two.client.callTool({ name: 'bake' }, undefined, { ...key, deadlineMs: 30 });
    expect(await failureOf(call)).toMatchObject({ code: 'AWAIT_TIMEOUT' });
    expect(two.server.calls).toEqual([]);
    await one.client.close();
  });
});

describe('resumeTask', () => {
  test('writes down how a task of the journal goes on', async () => {
    const first = await newProcess(pairTools(working));
    const { reference } = await first.client.startTool(startCall);
    if (reference === undefined) throw new Error('The task has no reference.');
    const next = await newProcess(pairTools(completed));
    const task = await next.client.resumeTask(reference);
    await task.result();
    await nextTurn();
    expect(states()).toEqual(['delivered']);
    const last = await newProcess(pairTools(working));
    expect((await (await last.client.resumeTask(reference)).result()).structuredContent).toEqual({
      answer: 42,
    });
    expect(last.server.calls).toEqual([]);
  });

  test('leaves tasks of others out of it', async () => {
    const { client } = await newProcess(pairTools(completed));
    const handle = { pair: 'mcp-await', id: 'task-1' };
    const reference = { version: 1, protocol: 'tool-pair', tool: START, handle, startedAt: 'today' } as const;
    await (await client.resumeTask(reference)).result();
    expect(states()).toEqual([]);
  });
});

describe('a journal that fails', () => {
  const damaged = async () => {
    const file = `${place.file}.damaged`;
    await writeFile(file, 'x'.repeat(5000));
    return file;
  };

  test('when it is opened ends the call before it is sent', async () => {
    const { client, server, events } = await newProcess(pairTools(completed), { file: await damaged() });
    const error = await failureOf(client.callTool(startCall));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/The journal .* cannot be opened: it is not an SQLite database/);
    expect([server.calls, events]).toEqual([[], []]);
  });

  test('when it is opened and not required is told once, and the calls go on without it', async () => {
    const journal = { file: await damaged(), required: false };
    const { client, events } = await newProcess(pairTools(completed), journal);
    for (let call = 0; call < 3; call++) {
      expect((await client.callTool(startCall)).structuredContent).toEqual({ answer: 42 });
    }
    expect(events.filter(({ type }) => type === 'journal-failed')).toHaveLength(1);
  });

  test('in the middle of a call is told once, and the call goes on', async () => {
    const late = held(started());
    const { client, events } = await newProcess(pairTools([working, completed], late.reply), {
      required: false,
    });
    const call = client.callTool(startCall);
    await until(['starting']);
    const database = openConnection(place.file, { timeoutMs: 1000 });
    database.exec('DROP TABLE calls; CREATE TABLE calls (none INTEGER)');
    database.close();
    late.release();
    expect((await call).structuredContent).toEqual({ answer: 42 });
    expect(events.filter(({ type }) => type === 'journal-failed')).toHaveLength(1);
    expect((await client.callTool(startCall)).structuredContent).toEqual({ answer: 42 });
  });

  test('because its folder may not be written', async context => {
    if (process.getuid?.() === 0) context.skip('root may write anywhere');
    const folder = `${dirname(place.file)}-closed`;
    await mkdir(folder);
    await chmod(folder, 0o500);
    const { client } = await newProcess(pairTools(completed), { file: `${folder}/journal.db` });
    expect((await failureOf(client.callTool(startCall))).message).toMatch(/may not be written/);
  });
});

test('an option that is none is refused', async () => {
  const { server } = await awaitFixture({});
  expect(() => new AwaitClient(server.client, { journal: 'yes' as never })).toThrow(ConfigurationError);
});
