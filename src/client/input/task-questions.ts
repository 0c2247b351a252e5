import { ProtocolViolationError } from '../../errors.js';
import type { Exchange, PollAnswer, Protocol, Question } from '../../protocols/protocol.js';
import type { Asked, InputDesk } from './input-desk.js';
import type { InputHandler } from './input-handler.js';

export interface TaskQuestionsOptions {
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly exchange: Exchange;
  readonly desk: InputDesk;
  readonly task: Pick<Asked, 'tool' | 'reference'>;
  readonly onInput: InputHandler | undefined;
  /** Sends one request, again where it fails for a passing reason. */
  readonly send: (request: () => Promise<void>) => Promise<void>;
  /** The state has probably changed. */
  readonly onAnswered: () => void;
  /** Nobody answers these questions. */
  readonly onUnanswered: (questions: readonly Question[], cause?: unknown) => void;
  /** The server did not take the answer. */
  readonly onFailure: (error: unknown) => void;
}

/** More than any task asks; a server that never stops asking is broken. */
const MOST_QUESTIONS = 1000;

/** The questions of one task: each is answered once, however often the server repeats it, and one after another. */
export class TaskQuestions implements Disposable {
  readonly #options: TaskQuestionsOptions;
  readonly #asked: Asked;
  readonly #entry: Disposable;
  readonly #seen = new Set<string>();
  #answering: Promise<void> = Promise.resolve();
  #thinking = 0;
  #isListening = false;

  constructor(options: TaskQuestionsOptions) {
    const { protocol, handle, desk, task, onInput } = options;
    this.#options = options;
    this.#asked = { ...task, onInput, onThinking: answer => this.#countWhile(answer) };
    this.#entry = desk.enter(protocol.topics?.(handle) ?? [], this.#asked);
  }

  /** Whether the task waits for somebody who is thinking about an answer. */
  get areOpen(): boolean {
    return this.#thinking > 0;
  }

  hear(answer: PollAnswer): void {
    if (answer.kind === 'ended' || answer.status !== 'input_required') return;
    const { desk, protocol, onUnanswered, onFailure } = this.#options;
    const fresh = Object.entries(answer.questions ?? {}).filter(([key]) => !this.#seen.has(key));
    const canListen = protocol.listenForQuestions !== undefined && !this.#isListening;
    if (fresh.length === 0 && !canListen) return;
    if (!desk.canAnswer(this.#asked)) {
      onUnanswered(fresh.map(([, question]) => question));
      return;
    }
    if (this.#seen.size + fresh.length > MOST_QUESTIONS) {
      onFailure(new ProtocolViolationError(`The task asks more than ${MOST_QUESTIONS} questions.`));
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
  }

  async #reply(key: string, question: Question): Promise<void> {
    const { desk, protocol, handle, exchange, send, onAnswered, onUnanswered, onFailure } = this.#options;
    const { signal } = exchange;
    if (signal.aborted) return;
    let answer: unknown;
    try {
      answer = await desk.ask(question, this.#asked, signal);
    } catch (error) {
      if (!signal.aborted) onUnanswered([question], error);
      return;
    }
    if (signal.aborted) return;
    await send(async () => protocol.answer?.(handle, { [key]: answer }, exchange)).then(
      onAnswered,
      onFailure,
    );
  }

  async #listen(): Promise<void> {
    const { protocol, handle, exchange, onAnswered } = this.#options;
    this.#isListening = true;
    try {
      await protocol.listenForQuestions?.(handle, exchange);
      onAnswered();
    } catch {
      // Says nothing about the task: the next status answer tells whether to listen again.
    } finally {
      this.#isListening = false;
    }
  }

  #countWhile(answer: Promise<unknown>): void {
    this.#thinking++;
    const done = () => void this.#thinking--;
    answer.then(done, done);
  }
}
