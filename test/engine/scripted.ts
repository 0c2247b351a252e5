import type { ClaimedTask, Execute, Execution, ExecutionContext } from '../../src/engine/engine.js';
import type { NewTask } from '../../src/engine/task-record.js';
import { newTaskRef } from '../../src/engine/task-ref.js';
import { sleep } from '../../src/time/sleep.js';

export const OPERATION = 'echo';
export const HOUR_MS = 3_600_000;
/** What is told of comes within this also on a busy machine; what only a time-out of 20 s would bring comes later. */
export const PROMPT_MS = 8000;

export function newTask(overrides: Partial<NewTask> = {}): NewTask {
  return {
    taskRef: newTaskRef(overrides.operation ?? OPERATION),
    owner: 'alice',
    operation: OPERATION,
    parameters: { text: 'hello' },
    slaMs: 60_000,
    ttlMs: HOUR_MS,
    ...overrides,
  };
}

/** Looks again and again, without blocking, until `look` answers something; fails after `timeoutMs`. */
export async function eventually<Value>(
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  timeoutMs = 20_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`Nothing after ${timeoutMs} ms: ${look}`);
    await sleep(5);
  }
}

export interface StartedTask extends ClaimedTask {
  readonly context: ExecutionContext;
  /** Ends the execution; the engine hears of it a moment later. */
  readonly end: (execution: Execution) => void;
  readonly complete: (result: unknown) => void;
}

/** An `Execute` whose tasks do nothing until the test ends them. */
export class ManualExecute {
  readonly started: StartedTask[] = [];
  #taken = 0;

  readonly execute: Execute = (task, context) =>
    new Promise(end => {
      const complete = (result: unknown) => end({ status: 'completed', result });
      this.started.push({ ...task, context, end, complete });
    });

  get startedRefs(): readonly string[] {
    return this.started.map(task => task.record.taskRef);
  }

  /** The next task to start that was not asked for yet. */
  async next(): Promise<StartedTask> {
    const index = this.#taken++;
    return eventually(() => this.started[index]);
  }

  worker({ concurrency = 1, operations = [OPERATION] as readonly string[] } = {}) {
    return { execute: this.execute, operations, concurrency };
  }
}

/** Completes every task at once with its parameters. */
export const echo: Execute = async ({ parameters }) => ({ status: 'completed', result: parameters });
