import { type AwaitError, ProtocolViolationError } from '../../errors.js';
import type { Exchange, PollAnswer, Protocol, Question } from '../../protocols/protocol.js';
import { type LinkedSignal, linkSignals } from '../../time/signals.js';
import type { TaskReference } from '../../types.js';
import type { CallRequests } from '../call-requests.js';
import type { CallFacts } from '../explain.js';
import * as explain from '../explain.js';
import type { CallOptions } from '../options.js';
import type { RunContext } from '../run-context.js';
import type { Asked } from './input-desk.js';

export interface TaskQuestionsOptions {
  readonly context: RunContext;
  readonly requests: CallRequests;
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly reference: TaskReference | undefined;
  /** The state has probably changed. */
  readonly onAnswered: () => void;
  /** Ends the wait. */
  readonly end: (error: (facts: CallFacts) => AwaitError) => void;
}

interface Conversation {
  /** Aborts when the wait has ended, however it has. */
  readonly over: AbortController;
  readonly linked: LinkedSignal;
  readonly exchange: Exchange;
}

/** More than any task asks; a server that never stops asking is broken. */
const MOST_QUESTIONS = 1000;

/** The questions of one task: each is answered once, however often the server repeats it, and one after another. */
export class TaskQuestions implements Disposable {
  readonly #options: TaskQuestionsOptions;
  readonly #asked: Asked;
  readonly #entry: Disposable;
  /** Made for the first question: most tasks ask none. */
  #conversation: Conversation | undefined;
  readonly #seen = new Set<string>();
  #answering: Promise<void> = Promise.resolve();
  #thinking = 0;
  #isListening = false;

  constructor(options: TaskQuestionsOptions) {
    const { context, protocol, handle, reference } = options;
    const { tool, call, desk } = context;
    this.#options = options;
    this.#asked = {
      tool,
      reference,
      onInput: call.onInput,
      onThinking: answer => this.#countWhile(answer),
    };
    this.#entry = desk.enter(protocol.topics?.(handle) ?? [], this.#asked);
  }

  /** Whether the task waits for somebody who is thinking about an answer. */
  get areOpen(): boolean {
    return this.#thinking > 0;
  }

  hear(answer: PollAnswer): void {
    if (answer.kind === 'ended' || answer.status !== 'input_required') return;
    const { context, protocol } = this.#options;
    const fresh = Object.entries(answer.questions ?? {}).filter(([key]) => !this.#seen.has(key));
    const canListen = protocol.listenForQuestions !== undefined && !this.#isListening;
    if (fresh.length === 0 && !canListen) return;
    if (!context.desk.canAnswer(this.#asked)) {
      this.#leaveOpen(fresh.map(([, question]) => question));
      return;
    }
    // Where an answer has no way back, the server asks in its own time.
    if (protocol.answer === undefined && !canListen) return;
    if (this.#seen.size + fresh.length > MOST_QUESTIONS) {
      this.#fail(new ProtocolViolationError(`The task asks more than ${MOST_QUESTIONS} questions.`));
      return;
    }
    for (const [key, question] of fresh) {
      this.#seen.add(key);
      this.#answering = this.#answering.then(() => this.#reply(key, question));
    }
    if (canListen) void this.#listen();
  }

  [Symbol.dispose](): void {
    this.#entry[Symbol.dispose]();
    this.#conversation?.over.abort(new Error('The wait is over'));
    this.#conversation?.linked[Symbol.dispose]();
  }

  get #exchange(): Exchange {
    if (this.#conversation === undefined) {
      const exchange = this.#options.requests.exchange();
      const over = new AbortController();
      const linked = linkSignals(exchange.signal, over.signal);
      this.#conversation = { over, linked, exchange: { ...exchange, signal: linked.signal } };
    }
    return this.#conversation.exchange;
  }

  async #reply(key: string, question: Question): Promise<void> {
    const { context, requests, protocol, handle, onAnswered } = this.#options;
    const { signal } = this.#exchange;
    if (signal.aborted) return;
    let answer: unknown;
    try {
      answer = await context.desk.ask(question, this.#asked, signal);
    } catch (error) {
      if (!signal.aborted) this.#leaveOpen([question], error);
      return;
    }
    if (signal.aborted) return;
    const send = async () => protocol.answer?.(handle, { [key]: answer }, this.#exchange);
    await requests.retry(send).then(onAnswered, error => this.#fail(error));
  }

  async #listen(): Promise<void> {
    const { protocol, handle, onAnswered } = this.#options;
    this.#isListening = true;
    try {
      await protocol.listenForQuestions?.(handle, this.#exchange);
      onAnswered();
    } catch {
      // Says nothing about the task: the next status answer tells whether to listen again.
    } finally {
      this.#isListening = false;
    }
  }

  #leaveOpen(questions: readonly Question[], cause?: unknown): void {
    this.#options.end(facts => explain.inputRequired(facts, questions, cause));
  }

  #fail(error: unknown): void {
    this.#options.end(facts => explain.pollFailure(error, facts));
  }

  #countWhile(answer: Promise<unknown>): void {
    this.#thinking++;
    const done = () => void this.#thinking--;
    answer.then(done, done);
  }
}

/** Whether questions may come that no status answer has told of. */
export function mayAskUntold(
  { answer, listenForQuestions }: Protocol,
  { onInput }: Pick<CallOptions, 'onInput'>,
): boolean {
  return (answer ?? listenForQuestions ?? onInput) !== undefined;
}
