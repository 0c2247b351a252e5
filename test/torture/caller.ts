import { sleep } from '../../src/time/sleep.js';
import type { Front } from './front-connection.js';
import { FrontConnections } from './front-connections.js';
import type { Ledger } from './ledger.js';
import type { Random } from './random.js';
import { randomTask, type TortureTask } from './torture-task.js';

export interface CallerOptions {
  readonly name: string;
  readonly fronts: readonly Front[];
  readonly ledger: Ledger;
  readonly random: Random;
  /** Begins no new task once it has aborted, and sees those to their answers that it has begun. */
  readonly until: AbortSignal;
}

const MAX_AT_ONCE = 4;
const MAX_PAUSE_MS = 100;
const LONG_POLL_SECONDS = 2;

/** A few tasks at a time, again and again, with one caller's connections. */
export async function keepCalling({ name, fronts, ledger, random, until }: CallerOptions): Promise<void> {
  const connections = new FrontConnections(fronts, ledger.trouble);
  const caller = { connections, ledger, fronts };
  let earlier: TortureTask | undefined;
  try {
    for (let round = 1; !until.aborted; round++) {
      const tasks = Array.from({ length: random.integer(1, MAX_AT_ONCE) }, (_, index) =>
        randomTask(`key-${name}-${round}-${index}`, random),
      );
      // Each with choices of its own: which answer comes first must change none.
      const calls = tasks.map(task => startAndAsk(caller, task, random.fork()));
      if (earlier !== undefined && random.chance(0.3))
        calls.push(startAndAsk(caller, earlier, random.fork()));
      if (earlier === undefined || random.chance(0.1)) earlier = tasks[0];
      await Promise.all(calls);
      await sleep(random.integer(0, MAX_PAUSE_MS));
    }
  } finally {
    await connections.close();
  }
}

/** Starts a task, often twice at the same time, and asks for its state, waits for its end or cancels it. */
async function startAndAsk(caller: Caller, task: TortureTask, random: Random): Promise<void> {
  const any = () => random.integer(0, caller.fronts.length - 1);
  const first = any();
  const calls = [initiate(caller, task, first)];
  if (random.chance(0.4)) calls.push(initiate(caller, task, first + 1));
  const [taskRef] = await Promise.all(calls);
  const fate = random.next();
  const pauseMs = random.integer(0, MAX_PAUSE_MS);
  if (taskRef === undefined) return;
  if (fate < 0.15) return cancel(caller, taskRef, any());
  if (fate < 0.4) return resolve(caller, { taskRef, waitSeconds: LONG_POLL_SECONDS, first: any() });
  await sleep(pauseMs);
  if (fate < 0.45) await cancel(caller, taskRef, any());
  else if (fate < 0.65) await resolve(caller, { taskRef, waitSeconds: 0, first: any() });
}

interface Caller {
  readonly fronts: readonly Front[];
  readonly connections: FrontConnections;
  readonly ledger: Ledger;
}

/** The reference, unless the call was refused. */
async function initiate(
  { connections, ledger }: Caller,
  task: TortureTask,
  first: number,
): Promise<string | undefined> {
  const { operation, ...parameters } = task;
  const history = ledger.open(task);
  const args = { operation_type: operation, parameters, idempotency_key: task.label };
  const onTry = () => {
    history.calls += 1;
  };
  const answer = await connections.call('initiate_background_task', args, { first, onTry });
  return ledger.acknowledge(history, answer);
}

async function cancel({ connections, ledger }: Caller, taskRef: string, first: number): Promise<void> {
  const answer = await connections.call('cancel_background_task', { task_ref: taskRef }, { first });
  ledger.observe(taskRef, 'cancel', answer);
}

interface ResolveOptions {
  readonly taskRef: string;
  readonly waitSeconds: number;
  readonly first: number;
}

async function resolve(
  { connections, ledger }: Caller,
  { taskRef, waitSeconds, first }: ResolveOptions,
): Promise<void> {
  const args = { task_ref: taskRef, wait_seconds: waitSeconds };
  const answer = await connections.call('resolve_task_status', args, { first });
  ledger.observe(taskRef, 'resolve', answer);
}
