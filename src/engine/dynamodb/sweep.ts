import type { DispatchedTask } from './dispatcher.js';
import type { Fields } from './dynamodb-table.js';
import type { EngineParts } from './engine-options.js';
import { NOBODY } from './task-store.js';

export interface SweepContext extends EngineParts {
  readonly dispatch: (task: DispatchedTask) => void;
}

/**
 * One look at all unfinished tasks, by whichever engine comes first in each beat. Sends what was stored and not sent, and
 * ends or sends again what a dead worker ran.
 */
export class Sweep {
  readonly #context: SweepContext;
  /** When a task was last sent since it was overdue. */
  readonly #resentAt = new Map<string, number>();

  constructor(context: SweepContext) {
    this.#context = context;
  }

  async round(): Promise<void> {
    const { keys, times } = this.#context;
    if (!(await this.#isOurs())) return;
    await Promise.all(keys.partitions('unfinished').map(partition => this.#look(partition)));
    for (const [taskRef, at] of this.#resentAt)
      if (performance.now() - at > times.overdueMs) this.#resentAt.delete(taskRef);
  }

  async #isOurs(): Promise<boolean> {
    const { table, keys, times } = this.#context;
    const { beatMs } = times;
    const now = Date.now();
    const { isDone } = await table.update(keys.sweep, {
      set: { nextAt: Math.round(now + beatMs * 0.9) },
      // A time that a clock which runs ahead has left does not hold for long.
      condition: 'attribute_not_exists(#nextAt) OR #nextAt <= :now OR #nextAt > :latest',
      values: { now, latest: Math.round(now + beatMs) },
    });
    return isDone;
  }

  async #look(partition: string): Promise<void> {
    const query = { index: 'states', keys: '#statePartition = :partition', values: { partition } };
    for await (const page of this.#context.table.pages(query)) {
      for (const entry of page) {
        const taskRef = this.#context.keys.taskRefOf(String(entry.pk));
        if (taskRef === undefined) continue;
        if (entry.status === 'processing') await this.#lookAtRun(taskRef, entry);
        else await this.#lookAtWaiting(taskRef, entry);
      }
    }
  }

  async #lookAtRun(taskRef: string, { worker, runCount }: Fields): Promise<void> {
    const { presence, tasks, queue, dispatch } = this.#context;
    if (!(await presence.isGone(String(worker)))) return;
    const run = { taskRef, worker: String(worker), runCount: Number(runCount) };
    const released = await tasks.releaseLost(run);
    if (released?.status === 'pending') dispatch({ taskRef, owner: released.owner, dueAt: 0 });
    else if (released !== undefined) await queue.bury(taskRef).catch(() => {});
  }

  async #lookAtWaiting(taskRef: string, { front, dueAt, expiresAt }: Fields): Promise<void> {
    const { presence, tasks, times, dispatch } = this.#context;
    const now = Date.now();
    const before = String(front);
    const isLater = Number(dueAt) - now > times.maxDelayMs || Number(expiresAt) <= now;
    if (isLater) return;
    const isOverdue = now - Number(dueAt) > times.overdueMs && !this.#resentAt.has(taskRef);
    if (before !== NOBODY && !isOverdue && !(await presence.isGone(before))) return;
    if (!(await tasks.adopt(taskRef, before))) return;
    if (isOverdue) this.#resentAt.set(taskRef, performance.now());
    const item = await tasks.read(taskRef);
    if (item?.status === 'pending') dispatch({ taskRef, owner: item.owner, dueAt: item.dueAt });
  }
}
