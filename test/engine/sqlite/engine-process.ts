import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Submission } from '../../../src/engine/engine.js';
import type { NewTask, TaskRecord } from '../../../src/engine/task-record.js';
import { until } from '../engine-store.js';

interface Message {
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly event?: string;
  readonly taskRef?: string;
  readonly runCount?: number;
  readonly at?: number;
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** An engine in another process. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly events: Message[] = [];
  #lastId = 0;

  /** @param clockOffMs how far the clock of the process is ahead */
  constructor(url: string, leaseMs: number, clockOffMs = 0) {
    const clock = `const now = Date.now; Date.now = () => now() + ${clockOffMs}`;
    const execArgv =
      clockOffMs === 0 ? [] : ['--import', `data:text/javascript,${encodeURIComponent(clock)}`];
    this.#child = fork(fixture('handle.js'), [url, String(leaseMs)], { execArgv });
    this.#child.on('message', (message: Message) => {
      if (message.id === undefined) this.events.push(message);
      else this.#answers.get(message.id)?.(message);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async ready(): Promise<this> {
    await this.seen('ready');
    return this;
  }

  /** The first event of its name, and about the task if one is named. */
  async seen(event: string, taskRef?: string): Promise<Message> {
    const find = () =>
      this.events.find(seen => seen.event === event && (taskRef ?? seen.taskRef) === seen.taskRef);
    await until(() => find() !== undefined, 20_000);
    return find() as Message;
  }

  submit(task: NewTask): Promise<Submission> {
    return this.#call('submit', task) as Promise<Submission>;
  }

  submitMany(tasks: readonly NewTask[]): Promise<readonly Submission[]> {
    return this.#call('submitMany', { tasks }) as Promise<readonly Submission[]>;
  }

  cancel(taskRef: string): Promise<TaskRecord | undefined> {
    return this.#call('cancel', { taskRef }) as Promise<TaskRecord | undefined>;
  }

  wait(taskRef: string, timeoutMs: number): Promise<TaskRecord | undefined> {
    return this.#call('wait', { taskRef, timeoutMs }) as Promise<TaskRecord | undefined>;
  }

  work(concurrency = 4): Promise<unknown> {
    return this.#call('work', { concurrency });
  }

  finish(): Promise<unknown> {
    return this.#call('finish');
  }

  block(ms: number): Promise<unknown> {
    return this.#call('block', { ms });
  }

  /** SIGKILL, as the out-of-memory killer or a power cut does it. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #call(command: string, argument?: unknown): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ value, error }) =>
        error === undefined ? resolve(value) : reject(new Error(error)),
      );
      this.#child.send({ id, command, argument });
    });
  }
}
