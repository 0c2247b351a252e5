import type { Front } from './front-connection.js';
import { FrontConnections } from './front-connections.js';
import { isTerminal, type Observation } from './history.js';
import type { Ledger } from './ledger.js';

export interface SettleOptions {
  readonly fronts: readonly Front[];
  readonly ledger: Ledger;
  /** After so long, a task that has not ended is not waited for any more. */
  readonly limitMs: number;
}

const LONG_POLL_SECONDS = 5;
const ASKERS = 8;

/** Waits for the end of every acknowledged task, and then asks every front for it: what they say in the end. */
export async function settle({ fronts, ledger, limitMs }: SettleOptions): Promise<readonly Observation[]> {
  const deadline = performance.now() + limitMs;
  const finals: Observation[] = [];
  const ask = async (connections: FrontConnections, taskRef: string, waitSeconds: number) => {
    const args = { task_ref: taskRef, wait_seconds: waitSeconds };
    const answer = await connections.call('resolve_task_status', args, { first: 0 });
    return ledger.observe(taskRef, 'resolve', answer);
  };
  await forEachTask(fronts, ledger, async (taskRef, connections) => {
    for (let seen: Observation | undefined; !isOver(seen) && performance.now() < deadline; ) {
      seen = await ask(connections, taskRef, LONG_POLL_SECONDS);
    }
  });
  for (const front of fronts) {
    await forEachTask([front], ledger, async (taskRef, connections) => {
      finals.push(await ask(connections, taskRef, 0));
    });
  }
  return finals;
}

function isOver(seen: Observation | undefined): boolean {
  return seen !== undefined && (isTerminal(seen) || seen.status === 'refused');
}

/** Some at a time, over connections to the fronts. */
async function forEachTask(
  fronts: readonly Front[],
  ledger: Ledger,
  work: (taskRef: string, connections: FrontConnections) => Promise<void>,
): Promise<void> {
  const left = ledger.taskRefs.values();
  const askers = Array.from({ length: ASKERS }, () => new FrontConnections(fronts, ledger.trouble));
  try {
    await Promise.all(
      askers.map(async connections => {
        // All of them take from the same iterator.
        for (const taskRef of left) await work(taskRef, connections);
      }),
    );
  } finally {
    await Promise.all(askers.map(connections => connections.close()));
  }
}
