import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type LinkedController, linkSignals, untilAborted } from '../time/signals.js';
import { sleep } from '../time/sleep.js';
import {
  ask,
  type InputResponse,
  type OpenQuestion,
  type Question,
  type Questions,
  take,
} from './question.js';
import { readQuestions, type StoredTask } from './stored-task.js';
import type { TaskWaits } from './task-waits.js';

/** The stored questions of one run. Each call throws what the store throws, and `RunOverError`. */
export interface QuestionStore {
  /** Stores the question unless it is known; it is durable then. */
  ask(asked: OpenQuestion): Promise<Question>;
  find(key: string): Promise<Question | undefined>;
  /** Stores that the run goes on from the question; as it is then. */
  take(key: string): Promise<Question>;
}

/** @param timeoutMs how long the task may wait for answers in all */
export type QuestionsEdit = (before: Questions, timeoutMs: number) => Questions;

export interface StoredQuestions {
  now(): number;
  read(): Promise<Questions>;
  /** Stores what `edit` makes of the questions, unless that is the same list; as they are then. */
  change(edit: QuestionsEdit): Promise<Questions>;
}

/** The questions of a run that are one value in the store. */
export function questionStore({ now, read, change }: StoredQuestions): QuestionStore {
  return {
    async ask(asked) {
      const key = randomUUID();
      const questions = await change((before, timeoutMs) =>
        ask(before, asked, { key, now: now(), timeoutMs }),
      );
      return ofThisRun(questions[asked.place]);
    },
    async find(key) {
      return (await read()).find(question => question.key === key);
    },
    async take(key) {
      const questions = await change(before => take(before, key, now()));
      return ofThisRun(questions.find(question => question.key === key));
    },
  };
}

/** The questions of a task that a run of it needs. @throws RunOverError where they cannot be read */
export function questionsOfRun(stored: Pick<StoredTask, 'questions'>): Questions {
  try {
    return readQuestions(stored);
  } catch (cause) {
    throw new RunOverError('The questions of the task cannot be read any more.', { cause });
  }
}

/** @throws RunOverError */
function ofThisRun(question: Question | undefined): Question {
  if (question === undefined) throw new RunOverError('The question belongs to a run that is over.');
  return question;
}

/** The run no longer counts: its task has ended otherwise, or another run has begun. */
export class RunOverError extends Error {
  override readonly name = 'RunOverError';
}

export interface RunQuestionsContext {
  readonly taskRef: string;
  readonly store: QuestionStore;
  /** Aborts when the run is to let go. */
  readonly signal: AbortSignal;
  /** Whose bell rings for a task that may have an answer. */
  readonly waits: TaskWaits;
  /** Should a bell get lost, the question is looked at after so long. */
  readonly recheckMs: number;
  /** Told each time that the run begins or ends to wait. */
  readonly onTurn: (isWaiting: boolean) => void;
}

const RETRY_MS = 1000;
const MAX_TRIES = 30;

/**
 * Makes a call for a run again where the store refuses or is away: what was done, or answered by a person, should not be
 * lost to that. @throws RunOverError; the signal's reason when it aborts; what the store has thrown last
 */
export async function insistFor<Value>(call: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof RunOverError || tries === MAX_TRIES) throw error;
      await sleep(RETRY_MS, signal);
    }
  }
}

/** What one run asks, and its waiting for the answers. */
export class RunQuestions {
  readonly #context: RunQuestionsContext;
  #over: LinkedController | undefined;
  #lastStored: Promise<unknown> = Promise.resolve();
  #waitCount = 0;
  #isFrozen = false;
  #isClosed = false;

  constructor(context: RunQuestionsContext) {
    this.#context = context;
  }

  /** Aborts with the run, and when that is closed. Most runs ask nothing, and never make it. */
  get #signal(): AbortSignal {
    if (this.#over === undefined) {
      this.#over = linkSignals(this.#context.signal);
      // Each question of the run listens to it.
      setMaxListeners(0, this.#over.signal);
      if (this.#isClosed) this.close();
    }
    return this.#over.signal;
  }

  /** Whether the run waits for an answer. */
  get isWaiting(): boolean {
    return this.#waitCount > 0;
  }

  /** Takes no answer any more: the run is being handed back, and the next one takes it. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** The run has come to its end: nobody waits for what is still open. */
  close(): void {
    this.#isClosed = true;
    this.#over?.abort(new RunOverError('The run is over.'));
  }

  /**
   * The answer, also one that was given to an earlier run; undefined when the time for it is over.
   * @throws the signal's reason when it aborts; RunOverError
   */
  async ask(asked: OpenQuestion): Promise<InputResponse | undefined> {
    const { store } = this.#context;
    const signal = this.#signal;
    signal.throwIfAborted();
    // Stored in the order of their places.
    const stored = this.#lastStored.then(() => insistFor(() => store.ask(asked), signal));
    this.#lastStored = stored.catch(() => {});
    const question = await untilAborted(stored, signal);
    if (question.takenAt !== undefined) return question.answer;
    await this.#wait(question);
    const taken = insistFor(() => store.take(question.key), signal);
    return (await untilAborted(taken, signal)).answer;
  }

  /** Until the question has an answer, or its time is over. */
  async #wait({ key, answer, until }: Question): Promise<void> {
    const { taskRef, waits, recheckMs } = this.#context;
    const signal = this.#signal;
    // The wall clock may jump while this process lives.
    const deadline = performance.now() + (until - Date.now());
    const wait = waits.add(taskRef);
    this.#turn(1);
    try {
      for (let isAnswered = answer !== undefined; !isAnswered; isAnswered = await this.#isAnswered(key)) {
        const remainingMs = deadline - performance.now();
        if (remainingMs <= 0) break;
        await wait.alarm.sleep(Math.min(remainingMs, recheckMs), signal);
      }
      if (this.#isFrozen) await untilAborted(new Promise<never>(() => {}), signal);
    } finally {
      this.#turn(-1);
      wait.remove();
    }
  }

  async #isAnswered(key: string): Promise<boolean> {
    const signal = this.#signal;
    try {
      return (await untilAborted(this.#context.store.find(key), signal))?.answer !== undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RunOverError) throw error;
      // A store that is away is asked again.
      return false;
    }
  }

  #turn(change: number): void {
    const wasWaiting = this.isWaiting;
    this.#waitCount += change;
    if (this.isWaiting !== wasWaiting) this.#context.onTurn(this.isWaiting);
  }
}
