import type { PollAnswer, Protocol, ToolPlan } from '../../protocols/protocol.js';
import { ChangeNotice } from '../../time/change-notice.js';
import { IdleTimer } from '../../time/sleep.js';
import type { Outcome, Progress, Snapshot, TaskReference } from '../../types.js';
import type { RunContext } from '../client-services.js';
import * as explain from '../faults/explain.js';
import type { JournalEntry } from '../journal/journal.js';

/** A task of its own, as far as its wait needs it. */
export interface RunningTask {
  readonly protocol: Protocol;
  readonly reference: TaskReference;
  /** Milliseconds that the answer to the start asks us to wait. */
  readonly hintMs?: number | undefined;
  /** What that answer says of the least time between requests. */
  readonly leastMs?: number | undefined;
  /** The resource that the answer to the start links to: its updates tell of the task. */
  readonly resource?: string | undefined;
}

/** A call that the server has accepted, or has done. */
export type Begun =
  | { readonly name: 'running'; readonly task: RunningTask }
  | { readonly name: 'ended'; readonly protocol: Protocol; readonly outcome: Outcome };

/** How far a call has come, each stage with what is known there. `blocking` has no task apart from the call. */
export type CallState =
  | { readonly name: 'planning'; readonly plan?: ToolPlan }
  | { readonly name: 'starting'; readonly plan: ToolPlan }
  | { readonly name: 'blocking'; readonly plan: ToolPlan }
  | Begun;

/** What was told of a task. */
interface Told {
  readonly status: Snapshot['status'];
  readonly message?: string | undefined;
  readonly progress?: Progress | undefined;
  readonly raw: unknown;
}

/** The known state of one call, which reports changes to its listeners. */
export class TaskState {
  /** Receives each change before all other listeners. */
  entry: JournalEntry | undefined;
  /** On the clock of `performance.now()`. */
  readonly begunAt = performance.now();
  /** How far the call has come. */
  at: CallState = { name: 'planning' };
  readonly #context: RunContext;
  #changed: ChangeNotice | undefined;
  #unknownWords: Set<string> | undefined;
  #snapshot: Snapshot = { status: 'working', attempt: 0, elapsedMs: 0, raw: undefined };
  #reference: TaskReference | undefined;
  #hasEnded = false;
  #over = false;
  /** What is odd, by what it is about. */
  readonly #notices = new Map<'plan' | 'word' | 'quiet', string>();
  #quiet: IdleTimer | undefined;

  constructor(context: RunContext) {
    this.#context = context;
  }

  /** @throws TypeError before the call is planned */
  get protocol(): Protocol {
    const { at } = this;
    if (at.name === 'running') return at.task.protocol;
    if (at.name === 'ended') return at.protocol;
    if (at.plan === undefined) throw new TypeError('The protocol of a call is known once it is accepted.');
    return at.plan.protocol;
  }

  /** Tells of each new state. */
  get changed(): ChangeNotice {
    this.#changed ??= new ChangeNotice();
    return this.#changed;
  }

  /** What messages about the call can draw on. */
  get facts(): explain.CallFacts {
    const { tool } = this.#context;
    return { tool, reference: this.#reference, snapshot: this.#snapshot, stage: stageOf(this.at) };
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
    return this.#hasEnded;
  }

  accept(reference: TaskReference): void {
    this.entry?.accepted(reference);
    this.#reference = reference;
    const { tool, watch } = this.#context;
    watch.hear({ type: 'task-started', tool, reference });
  }

  resume(reference: TaskReference): void {
    this.#reference = reference;
  }

  observe(answer: PollAnswer, attempt: number): void {
    const { tool, watch } = this.#context;
    if (answer.kind === 'ended') {
      const { outcome, raw } = answer;
      this.#hasEnded = true;
      this.entry?.ended(outcome);
      const message = outcome.status === 'completed' ? undefined : outcome.error.message;
      this.#show({ status: outcome.status, message, raw }, attempt);
      watch.hear({ type: 'task-ended', tool, status: outcome.status });
      return;
    }
    const { status, message, progress, raw, unknownWord } = answer;
    if (unknownWord === undefined) this.#notices.delete('word');
    else this.#reportUnknown(unknownWord);
    this.#show({ status, message, progress, raw }, attempt);
  }

  observeProgress(progress: Progress): void {
    const { message } = progress;
    this.#show({ status: 'working', progress, message, raw: progress });
  }

  /** A sentence that the server has sent without being asked. */
  hear(message: string): void {
    const { status, progress, raw } = this.#snapshot;
    this.#show({ status, message, progress, raw });
  }

  /** Something is odd from the beginning. */
  warn(notice: string): void {
    this.#notices.set('plan', notice);
    this.#show(this.#snapshot);
  }

  /** Tells when nothing new was heard for long, until it is disposed; the time that questions take is no silence. */
  watchQuiet(questions: { readonly lastOpenAt: number }): Disposable {
    const { tool, watch, wait } = this.#context;
    const { quietAfterMs: quietForMs } = wait;
    this.#quiet = new IdleTimer({
      limitMs: quietForMs,
      lastSignAt: () => questions.lastOpenAt,
      onIdle: () => {
        this.#notices.set('quiet', explain.quiet(quietForMs));
        this.#show(this.#snapshot);
        watch.hear({ type: 'task-quiet', tool, quietForMs });
      },
    });
    return this.#quiet;
  }

  close(): void {
    this.#over = true;
    this.#changed?.announce();
  }

  #reportUnknown(word: string): void {
    this.#notices.set('word', explain.unknownWord(word));
    this.#unknownWords ??= new Set();
    if (this.#unknownWords.has(word)) return;
    this.#unknownWords.add(word);
    const { tool, watch } = this.#context;
    watch.hear({ type: 'status-unknown', tool, word });
  }

  #show(told: Told, attempt = this.#snapshot.attempt): void {
    const { tool, call, watch } = this.#context;
    if (isNew(told, this.#snapshot)) {
      this.#notices.delete('quiet');
      this.#quiet?.sign();
    }
    const { status, message, raw } = told;
    const hasEnded = this.#hasEnded;
    // An answer that is silent about progress takes none back, such as the one that tells of the task's start.
    const progress = told.progress ?? (hasEnded ? undefined : this.#snapshot.progress);
    const snapshot = {
      status,
      ...(message !== undefined && { message }),
      ...(progress && { progress }),
      raw,
      ...(!hasEnded && this.#notices.size > 0 && { notices: [...this.#notices.values()] }),
      attempt,
      elapsedMs: performance.now() - this.begunAt,
    };
    this.#snapshot = snapshot;
    if (!hasEnded) this.entry?.running(snapshot);
    this.#changed?.announce();
    call.onUpdate?.(snapshot);
    watch.hear({ type: 'task-updated', tool, snapshot });
  }
}

/** Whether a state tells more than the one before: an answer that says the same is no sign of life. */
function isNew({ status, message, progress }: Told, before: Snapshot): boolean {
  if (status !== before.status || progress?.progress !== before.progress?.progress) return true;
  return message !== before.message && withoutTimes(message) !== withoutTimes(before.message);
}

const TIMES =
  /\b\d{1,9}(?:\.\d{1,9})? ?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b|\b\d{1,3}:\d\d(?::\d\d)?\b/gi;

/** A message that only counts the time says nothing new: "running for 34 s". */
function withoutTimes(message: string | undefined): string | undefined {
  return message?.slice(0, 1000).replace(TIMES, '');
}

function stageOf(at: CallState): explain.Stage {
  if (at.name === 'running' || at.name === 'ended') return 'accepted';
  return at.name === 'starting' && at.plan.startKind === 'unknown' ? 'unanswered' : at.name;
}
