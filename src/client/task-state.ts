import type { PollAnswer } from '../protocols/protocol.js';
import { ChangeNotice } from '../time/change-notice.js';
import { IdleTimer, type IdleTimerOptions } from '../time/idle-timer.js';
import { isEndStatus, type Progress, type Snapshot, type TaskReference } from '../types.js';
import type { Asked } from './await-loop.js';
import type { AwaitEvent } from './events.js';
import * as explain from './explain.js';
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
  /** What is odd, by what it is about. */
  readonly #notices = new Map<'plan' | 'word' | 'quiet', string>();
  #quiet: IdleTimer | undefined;

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
    if (unknownWord === undefined) this.#notices.delete('word');
    else this.#reportUnknown(unknownWord);
    this.#show(
      { status, ...(message !== undefined && { message }), ...(progress && { progress }), raw },
      attempt,
    );
  }

  observeProgress(progress: Progress): void {
    const { message } = progress;
    this.#show({ status: 'working', progress, ...(message !== undefined && { message }), raw: progress });
  }

  /** A sentence that the server has sent without being asked. */
  hear(message: string): void {
    const { status, progress, raw } = this.#snapshot;
    this.#show({ status, message, ...(progress && { progress }), raw });
  }

  /** Something is odd from the beginning. */
  warn(notice: string): void {
    this.#notices.set('plan', notice);
    this.#show(this.#snapshot);
  }

  /** Tells when nothing new was heard for so long, until the answer is disposed. */
  watchQuiet(options: Omit<IdleTimerOptions, 'onIdle'>): Disposable {
    const { limitMs: quietForMs } = options;
    this.#quiet = new IdleTimer({
      ...options,
      onIdle: () => {
        const { tool, onEvent } = this.#listeners;
        this.#notices.set('quiet', explain.quiet(quietForMs));
        this.#show(this.#snapshot);
        onEvent?.({ type: 'task-quiet', tool, quietForMs });
      },
    });
    return this.#quiet;
  }

  close(): void {
    this.#over = true;
    this.changed.announce();
  }

  #reportUnknown(word: string): void {
    this.#notices.set('word', explain.unknownWord(word));
    this.#unknownWords ??= new Set();
    if (this.#unknownWords.has(word)) return;
    this.#unknownWords.add(word);
    const { tool, onEvent } = this.#listeners;
    onEvent?.({ type: 'status-unknown', tool, word });
  }

  #show(state: Omit<Snapshot, 'attempt' | 'elapsedMs'>, attempt = this.#snapshot.attempt): void {
    const { tool, onUpdate, onEvent } = this.#listeners;
    const { notices: _before, ...told } = state;
    if (isNew(told, this.#snapshot)) {
      this.#notices.delete('quiet');
      this.#quiet?.sign();
    }
    const hasEnded = isEndStatus(told.status);
    const notices = hasEnded ? [] : [...this.#notices.values()];
    const snapshot = {
      ...told,
      ...(notices.length > 0 && { notices }),
      attempt,
      elapsedMs: performance.now() - this.begunAt,
    };
    this.#snapshot = snapshot;
    if (!hasEnded) this.entry?.running(snapshot);
    this.changed.announce();
    onUpdate?.(snapshot);
    onEvent?.({ type: 'task-updated', tool, snapshot });
  }
}

/** Whether a state tells more than the one before: an answer that says the same is no sign of life. */
function isNew(state: Pick<Snapshot, 'status' | 'message' | 'progress'>, before: Snapshot): boolean {
  return (
    state.status !== before.status ||
    withoutTimes(state.message) !== withoutTimes(before.message) ||
    state.progress?.progress !== before.progress?.progress
  );
}

const TIMES =
  /\b\d{1,9}(?:\.\d{1,9})? ?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b|\b\d{1,3}:\d\d(?::\d\d)?\b/gi;

/** A message that only counts the time says nothing new: "running for 34 s". */
function withoutTimes(message: string | undefined): string | undefined {
  return message?.slice(0, 1000).replace(TIMES, '');
}
