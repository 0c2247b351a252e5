import type { PollAnswer } from '../protocols/protocol.js';
import { ChangeNotice } from '../time/change-notice.js';
import { isEndStatus, type Progress, type Snapshot, type TaskReference } from '../types.js';
import type { Asked } from './await-loop.js';
import type { AwaitEvent } from './events.js';
import type { JournalEntry } from './journal/journal-entry.js';

/** Who hears of one call. */
export interface Listeners {
  readonly tool: string;
  readonly onUpdate: ((snapshot: Snapshot) => void) | undefined;
  readonly onEvent: ((event: AwaitEvent) => void) | undefined;
}

/** What is known of one call, and told to who listens. */
export class TaskState {
  readonly changed = new ChangeNotice();
  /** Hears of everything before anybody else. */
  entry: JournalEntry | undefined;
  /** On the clock of `performance.now()`. */
  readonly begunAt = performance.now();
  readonly #listeners: Listeners;
  #unknownWords: Set<string> | undefined;
  #snapshot: Snapshot = { status: 'working', attempt: 0, elapsedMs: 0, raw: undefined };
  #reference: TaskReference | undefined;
  #over = false;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get reference(): TaskReference | undefined {
    return this.#reference;
  }

  /** Whether nothing more will come: the task has ended, or the wait for it. */
  get over(): boolean {
    return this.#over;
  }

  get hasEnded(): boolean {
    return isEndStatus(this.#snapshot.status);
  }

  accept(reference: TaskReference): void {
    this.entry?.accepted(reference);
    this.#reference = reference;
    const { tool, onEvent } = this.#listeners;
    onEvent?.({ type: 'task-started', tool, reference });
  }

  resume(reference: TaskReference): void {
    this.#reference = reference;
  }

  schedule(delayMs: number): void {
    const { tool, onEvent } = this.#listeners;
    if (this.#reference === undefined) return;
    onEvent?.({ type: 'status-scheduled', tool, reference: this.#reference, delayMs });
  }

  request(attempt: number, asked: Asked): void {
    const { tool, onEvent } = this.#listeners;
    if (this.#reference === undefined) return;
    onEvent?.({ type: 'status-requested', tool, reference: this.#reference, attempt, ...asked });
  }

  observe(answer: PollAnswer, attempt: number): void {
    const { tool, onEvent } = this.#listeners;
    if (answer.kind === 'ended') {
      const { outcome, raw } = answer;
      this.entry?.ended(outcome);
      const message = outcome.status === 'completed' ? undefined : outcome.error.message;
      this.#show({ status: outcome.status, ...(message !== undefined && { message }), raw }, attempt);
      onEvent?.({ type: 'task-ended', tool, status: outcome.status });
      return;
    }
    const { status, message, progress, raw, unknownWord } = answer;
    if (unknownWord !== undefined) this.#reportUnknown(unknownWord);
    this.entry?.running({ status, ...(message !== undefined && { message }) });
    this.#show(
      { status, ...(message !== undefined && { message }), ...(progress && { progress }), raw },
      attempt,
    );
  }

  observeProgress(progress: Progress): void {
    const { message } = progress;
    this.entry?.running({ status: 'working', ...(message !== undefined && { message }) });
    this.#show({ status: 'working', progress, ...(message !== undefined && { message }), raw: progress });
  }

  /** A sentence that the server has sent without being asked. */
  hear(message: string): void {
    const { status, progress, raw } = this.#snapshot;
    this.entry?.running({ status: 'working', message });
    this.#show({ status, message, ...(progress && { progress }), raw });
  }

  close(): void {
    this.#over = true;
    this.changed.announce();
  }

  #reportUnknown(word: string): void {
    this.#unknownWords ??= new Set();
    if (this.#unknownWords.has(word)) return;
    this.#unknownWords.add(word);
    const { tool, onEvent } = this.#listeners;
    onEvent?.({ type: 'status-unknown', tool, word });
  }

  #show(state: Omit<Snapshot, 'attempt' | 'elapsedMs'>, attempt = this.#snapshot.attempt): void {
    const { tool, onUpdate, onEvent } = this.#listeners;
    const snapshot = { ...state, attempt, elapsedMs: performance.now() - this.begunAt };
    this.#snapshot = snapshot;
    this.changed.announce();
    onUpdate?.(snapshot);
    onEvent?.({ type: 'task-updated', tool, snapshot });
  }
}
