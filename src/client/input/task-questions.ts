import { ProtocolViolationError } from '../../errors.js';
import type { Exchange, Running, TaskQuestion } from '../../protocols/protocol.js';
import { type LinkedController, linkSignals } from '../../time/signals.js';
import type { Alarm } from '../../time/sleep.js';
import type { CallRequests } from '../call/call-requests.js';
import type { Ending } from '../call/ending.js';
import type { RunningTask } from '../call/task-state.js';
import type { RunContext } from '../client-services.js';
import * as explain from '../faults/explain.js';
import type { Asked } from './pending-questions.js';

export interface TaskQuestionsOptions {
  readonly context: RunContext;
  readonly requests: CallRequests;
  readonly task: RunningTask;
  /** Rings when the state has probably changed. */
  readonly alarm: Alarm;
  /** Ends the wait. */
  readonly ending: Ending;
}

interface Conversation {
  /** Aborts when the wait has ended, however it has. */
  readonly linked: LinkedController;
  readonly exchange: Exchange;
}

/** More questions than any real task asks; a server that asks more is broken. */
const MAX_QUESTIONS = 1000;

/** The questions of one task: each is answered once, however often the server repeats it, and one after another. */
export class TaskQuestions implements Disposable {
  readonly #options: TaskQuestionsOptions;
  readonly #asked: Asked;
  readonly #entry: Disposable;
  readonly #seen = new Set<string>();
  /** Made for the first question. */
  #conversation: Conversation | undefined;
  #answering: Promise<void> | undefined;
  /** Questions that somebody is thinking about. */
  openCount = 0;
  #isListening = false;

  /** @param topics questions that name one of these are this wait's from now on */
  constructor(options: TaskQuestionsOptions, topics: readonly string[]) {
    const { services, tool, call } = options.context;
    this.#options = options;
    const { reference } = options.task;
    this.#asked = { tool, reference, onInput: call.onInput, onThinking: answer => this.#countWhile(answer) };
    this.#entry = services.questions.enter(topics, this.#asked);
  }

  /** Hears an answer that the task is `input_required`. */
  hear({ questions = {} }: Running): void {
    const { context, task } = this.#options;
    const { protocol } = task;
    const seen = this.#seen;
    const fresh = Object.entries(questions).filter(([key]) => !seen.has(key));
    const canListen = protocol.listenForQuestions !== undefined && !this.#isListening;
    if (fresh.length === 0 && !canListen) return;
    const asked = fresh.map(([, question]) => question);
    const methods = asked.map(({ method }) => method);
    if (!context.services.questions.canAnswer(this.#asked, methods)) {
      this.#leaveOpen(asked);
      return;
    }
    // Where an answer has no way back, the server asks in its own time.
    if (protocol.answer === undefined && !canListen) return;
    if (seen.size + fresh.length > MAX_QUESTIONS) {
      this.#fail(new ProtocolViolationError(`The task asks more than ${MAX_QUESTIONS} questions.`));
      return;
    }
    for (const [key, question] of fresh) {
      seen.add(key);
      this.#answering = Promise.resolve(this.#answering).then(() => this.#reply(key, question));
    }
    if (canListen) void this.#listen();
  }

  [Symbol.dispose](): void {
    this.#entry[Symbol.dispose]();
    this.#conversation?.linked.abort(new Error('The wait is over'));
    this.#conversation?.linked[Symbol.dispose]();
  }

  get #exchange(): Exchange {
    if (this.#conversation === undefined) {
      const { exchange } = this.#options.requests;
      const linked = linkSignals(exchange.signal);
      this.#conversation = { linked, exchange: { ...exchange, signal: linked.signal } };
    }
    return this.#conversation.exchange;
  }

  async #reply(key: string, question: TaskQuestion): Promise<void> {
    const { context, requests, task, alarm } = this.#options;
    const { protocol, reference } = task;
    const { signal } = this.#exchange;
    if (signal.aborted) return;
    let answer: unknown;
    try {
      answer = await context.services.questions.ask(question, this.#asked, signal);
    } catch (error) {
      if (!signal.aborted) this.#leaveOpen([question], error);
      return;
    }
    if (signal.aborted) return;
    const send = async () => protocol.answer?.(reference.handle, { [key]: answer }, this.#exchange);
    await requests.retry(send).then(
      () => alarm.ring(),
      error => this.#fail(error),
    );
  }

  async #listen(): Promise<void> {
    const { task, alarm } = this.#options;
    this.#isListening = true;
    try {
      await task.protocol.listenForQuestions?.(task.reference.handle, this.#exchange);
      alarm.ring();
    } catch {
      // Says nothing about the task: the next status answer tells whether to listen again.
    } finally {
      this.#isListening = false;
    }
  }

  #leaveOpen(questions: readonly TaskQuestion[], cause?: unknown): void {
    this.#options.ending.end(facts => explain.inputRequired(facts, questions, cause));
  }

  #fail(error: unknown): void {
    this.#options.ending.end(facts => explain.pollFailure(error, facts));
  }

  #countWhile(answer: Promise<unknown>): void {
    this.openCount++;
    const done = () => void this.openCount--;
    answer.then(done, done);
  }
}
