import { setImmediate } from 'node:timers/promises';
import type { ClaimedTask, Execute, Execution, ExecutionContext } from '../../src/engine/engine.js';
import type { NewTask } from '../../src/engine/task-record.js';
import { newTaskRef } from '../../src/engine/task-ref.js';

export function newTask(overrides: Partial<NewTask> = {}): NewTask {
  return {
    taskRef: newTaskRef(overrides.operation ?? 'work'),
    owner: 'ada',
    operation: 'work',
    parameters: { size: 1 },
    slaMs: 60_000,
    ttlMs: 60_000,
    ...overrides,
  };
}

export function completed(result: unknown): Execution {
  return { status: 'completed', result };
}

/** An `Execute` whose tasks run until the test ends them. */
export class HeldWork {
  readonly started: ClaimedTask[] = [];
  readonly #contexts = new Map<string, ExecutionContext>();
  readonly #ends = new Map<string, (execution: Execution) => void>();

  readonly execute: Execute = (task, context) => {
    const { taskRef } = task.record;
    this.started.push(task);
    this.#contexts.set(taskRef, context);
    return new Promise(resolve => this.#ends.set(taskRef, resolve));
  };

  context(taskRef: string): ExecutionContext {
    const context = this.#contexts.get(taskRef);
    if (context === undefined) throw new Error(`The task ${taskRef} has not been started.`);
    return context;
  }

  end(taskRef: string, execution: Execution): void {
    this.#ends.get(taskRef)?.(execution);
  }

  /** Resolves when `count` tasks have been started. */
  async startedCount(count: number): Promise<void> {
    await until(() => this.started.length >= count);
  }
}

/** Looks again and again until `condition` holds. @throws when it does not within `timeoutMs` */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not so within ${timeoutMs} ms: ${condition}`);
    await setImmediate();
  }
}
