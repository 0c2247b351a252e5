import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, type TestContext, test } from 'vitest';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { openFront, startAskingWorker } from '../fixtures/server/asking-process.js';
import { describeWith, SERVICE_NAMES } from '../services/index.js';

const SCRIPT = fileURLToPath(new URL('../fixtures/server/asking-process.js', import.meta.url));
const LEASE_SECONDS = 2;
const TIMEOUT_MS = 180_000;

type Command = 'initiate' | 'answer' | 'change';

interface Front {
  call(command: Command, argument?: unknown): Promise<TaskRecord>;
}

/** A process that may die at any moment. */
class Process implements Front {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (message: { value?: unknown; error?: string }) => void>();
  #lastId = 0;

  constructor(words: readonly string[]) {
    this.#child = fork(SCRIPT, words);
    this.#child.on('message', (message: { id: number; value?: unknown; error?: string }) =>
      this.#answers.get(message.id)?.(message),
    );
  }

  ready(): Promise<void> {
    return new Promise(resolve => this.#answers.set(0, () => resolve()));
  }

  call(command: Command, argument?: unknown): Promise<TaskRecord> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ value, error }) =>
        error === undefined ? resolve(value as TaskRecord) : reject(new Error(error)),
      );
      this.#child.send({ id, command, argument });
    });
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Fronts and workers on one store, and what the runs have done. */
async function openPlace({ onTestFinished }: TestContext, url?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-asking-'));
  const ledger = join(folder, 'ledger');
  const store = url ?? `sqlite:${join(folder, 'tasks.db')}`;
  const prefix = `test_${randomBytes(6).toString('hex')}:`;
  const options = { store, keyPrefix: prefix, leaseSeconds: LEASE_SECONDS, ledger };
  const ends: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    await Promise.all(ends.map(end => end()));
    await rm(folder, { recursive: true, force: true });
  });
  async function start(role: 'front' | 'worker'): Promise<Process> {
    const started = new Process([role, JSON.stringify(options)]);
    ends.push(() => started.kill());
    await started.ready();
    return started;
  }
  return {
    /** What is killed is a process of its own. */
    mortal: { front: () => start('front'), worker: () => start('worker') },
    async front(): Promise<Front> {
      const { close, initiate, answer, change } = await openFront(options);
      ends.push(close);
      const commands: Record<Command, (argument: never) => Promise<TaskRecord>> = {
        initiate,
        answer,
        change,
      };
      return { call: (command, argument) => commands[command](argument as never) };
    },
    async worker(): Promise<void> {
      ends.push((await startAskingWorker(options)).close);
    },
    ledger: async () => (await readFile(ledger, 'utf8')).trim().split('\n'),
  };
}

/** The record as soon as it is as it should be. */
async function until(
  front: Front,
  known: TaskRecord,
  isSo: (record: TaskRecord) => boolean,
): Promise<TaskRecord> {
  let record = known;
  while (!isSo(record)) {
    const { taskRef } = record;
    record = await front.call('change', { taskRef, known: record });
  }
  return record;
}

const asks = (text: string) => (record: TaskRecord) =>
  Object.values(record.inputRequests ?? {}).some(({ params }) => params.message.includes(text));
const hasEnded = ({ endedAt }: TaskRecord) => endedAt !== undefined;
const isPending = ({ status }: TaskRecord) => status === 'pending';

function answerTo({ taskRef, inputRequests = {} }: TaskRecord, response: object) {
  const responses = Object.fromEntries(Object.keys(inputRequests).map(key => [key, response]));
  return { taskRef, responses };
}

const named = { action: 'accept', content: { name: 'Ada' } };
const agreed = { action: 'accept', content: {} };
const done = { status: 'completed', retryAttempts: 0, result: { name: 'Ada', action: 'accept' } };

/** The tests wait for leases, so they run side by side. */
function describeKills(openIt: (test: TestContext) => ReturnType<typeof openPlace>): void {
  test.concurrent(
    'the question outlives the front that took the call, and the worker that asked',
    async context => {
      const { mortal, front, worker, ledger } = await openIt(context);
      const [first, second, asker] = await Promise.all([mortal.front(), front(), mortal.worker()]);
      const submitted = await first.call('initiate');
      const asking = await until(first, submitted, asks('Which name?'));
      await first.kill();
      await second.call('answer', answerTo(asking, named));
      const again = await until(second, asking, asks('Really Ada?'));
      await asker.kill();
      const waiting = await until(second, again, isPending);
      expect(waiting).toMatchObject({ runCount: 1, excusedRuns: 1 });
      expect(Object.keys(waiting.inputRequests ?? {})).toEqual(Object.keys(again.inputRequests ?? {}));
      await worker();
      const rerun = await until(second, waiting, ({ status }) => status === 'processing');
      expect(Object.keys(rerun.inputRequests ?? {})).toEqual(Object.keys(again.inputRequests ?? {}));
      await second.call('answer', answerTo(again, agreed));
      expect(await until(second, rerun, hasEnded)).toMatchObject({ ...done, runCount: 2 });
      expect(await ledger()).toEqual(['run', 'named Ada', 'run', 'named Ada']);
    },
    TIMEOUT_MS,
  );

  test.concurrent(
    'an answer to a worker that is dead, which nobody has noticed yet, waits for the next one',
    async context => {
      const { mortal, front, worker, ledger } = await openIt(context);
      const [first, asker] = await Promise.all([mortal.front(), mortal.worker()]);
      const asking = await until(first, await first.call('initiate'), asks('Which name?'));
      await asker.kill();
      const answered = await first.call('answer', answerTo(asking, named));
      expect(answered).toMatchObject({ status: 'processing' });
      expect(answered.inputRequests).toBeUndefined();
      await first.kill();
      const [second] = await Promise.all([front(), worker()]);
      const again = await until(second, answered, asks('Really Ada?'));
      await second.call('answer', answerTo(again, agreed));
      expect(await until(second, again, hasEnded)).toMatchObject({ ...done, runCount: 2, excusedRuns: 1 });
      expect(await ledger()).toEqual(['run', 'run', 'named Ada']);
    },
    TIMEOUT_MS,
  );

  test.concurrent(
    'an answer while no process runs but a front is kept for the next worker',
    async context => {
      const { mortal, front, worker } = await openIt(context);
      const [first, asker] = await Promise.all([mortal.front(), mortal.worker()]);
      const asking = await until(first, await first.call('initiate'), asks('Which name?'));
      await Promise.all([first.kill(), asker.kill()]);
      const second = await mortal.front();
      const waiting = await until(second, asking, isPending);
      await second.call('answer', answerTo(waiting, named));
      await second.kill();
      const [third] = await Promise.all([front(), worker()]);
      const again = await until(third, waiting, asks('Really Ada?'));
      await third.call('answer', answerTo(again, agreed));
      expect(await until(third, again, hasEnded)).toMatchObject(done);
    },
    TIMEOUT_MS,
  );
}

describe('a task that asks, on SQLite', () => describeKills(openPlace));
for (const name of SERVICE_NAMES) {
  describeWith(name, `a task that asks, on ${name}`, service =>
    describeKills(context => openPlace(context, service().url)),
  );
}
