import { startTimer } from '../../time/sleep.js';
import { RecordLooks } from '../record-looks.js';
import type { TaskRecord } from '../task-record.js';
import type { RecordStore } from './record-store.js';

/** Should a word get lost, its wait notices after so long. */
const RECHECK_MS = 2000;
const RETRY_MS = 1000;

export interface TaskChangesContext {
  readonly records: RecordStore;
  readonly find: (taskRef: string) => Promise<TaskRecord | undefined>;
  /** Told of each task that has ended, perhaps more than once. */
  readonly onEnd: (taskRef: string) => void;
  readonly onChange: (taskRef: string) => void;
  /** Told when words may have been missed. */
  readonly onGap: () => void;
}

/** Hears of what happens to tasks, whichever process does it, and wakes those in this process who wait for it. */
export class TaskChanges extends RecordLooks {
  readonly #context: TaskChangesContext;
  #listening: Promise<void> | undefined;
  #isHeard = false;
  #isOver = false;

  constructor(context: TaskChangesContext) {
    super({
      find: context.find,
      untilHeard: () => (this.#isHeard ? undefined : this.#listen()),
      recheckMs: RECHECK_MS,
    });
    this.#context = context;
  }

  /** A worker has to hear of the tasks that are cancelled or answered while it runs them. */
  async insistOnListening(): Promise<void> {
    await this.#listen().catch(() => {
      if (!this.#isOver) startTimer(RETRY_MS, () => void this.insistOnListening(), { unref: true });
    });
  }

  override close(): Promise<void> {
    this.#isOver = true;
    return super.close();
  }

  /** Hears of all changes from then on. */
  #listen(): Promise<void> {
    this.#listening ??= this.#startListening();
    // Asked again by the next who wants to hear.
    this.#listening.catch(() => {
      this.#listening = undefined;
    });
    return this.#listening;
  }

  async #startListening(): Promise<void> {
    const { records, onEnd, onChange, onGap } = this.#context;
    await records.listen({
      onWord: (taskRef, word) => (word === 'ended' ? onEnd : onChange)(taskRef),
      onGap,
    });
    this.#isHeard = true;
    onGap();
  }
}
