import type { Alarm } from '../time/alarm.js';
import type { RunContext } from './run-context.js';
import type { News } from './task-news.js';
import type { TaskState } from './task-state.js';

export interface TaskListeningOptions {
  readonly context: Pick<RunContext, 'news' | 'resources' | 'follow'>;
  /** What the server calls the task. */
  readonly topics: readonly string[];
  /** The resource that it is told as. */
  readonly resource: string | undefined;
  readonly alarm: Alarm;
  readonly state: TaskState;
}

/** What one wait hears without asking, until it is disposed. */
export class TaskListening implements Disposable {
  readonly #options: TaskListeningOptions;
  readonly #news: Disposable;
  readonly #resource: Disposable | undefined;
  #followed: Disposable | undefined;

  constructor(options: TaskListeningOptions) {
    const { context, topics, resource } = options;
    this.#options = options;
    this.#resource = resource === undefined ? undefined : context.resources.follow(resource);
    this.#news = context.news.listen(resource === undefined ? topics : [...topics, resource], told =>
      this.#hear(told),
    );
  }

  /** The wait sleeps: a server that tells only what it was asked to tell is asked now, and not while it holds an answer. */
  sleeping(): void {
    this.#followed ??= this.#options.context.follow(this.#options.topics);
  }

  /** News of the work under way are shown; all others are a reason to ask. */
  #hear({ status, message }: News): void {
    const { alarm, state } = this.#options;
    if (status !== 'working') alarm.ring();
    else if (message !== undefined) state.hear(message);
  }

  [Symbol.dispose](): void {
    this.#news[Symbol.dispose]();
    this.#resource?.[Symbol.dispose]();
    this.#followed?.[Symbol.dispose]();
  }
}
