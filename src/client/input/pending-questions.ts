import type { Client, ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  type JSONRPCNotification,
  type JSONRPCRequest,
  ListRootsRequestSchema,
  McpError,
  RELATED_TASK_META_KEY,
} from '@modelcontextprotocol/sdk/types.js';
import { ConfigurationError } from '../../errors.js';
import type { TaskQuestion } from '../../protocols/protocol.js';
import { isRecord } from '../../protocols/tool-result.js';
import { OnDispose } from '../../time/on-dispose.js';
import type { TaskReference } from '../../types.js';
import type { InputAnswer, InputHandler } from './input-handler.js';

/** No handler answers questions of this kind. */
export class UnansweredError extends McpError {
  constructor() {
    super(ErrorCode.MethodNotFound, 'Nobody is there to answer');
  }
}

/** The part of a wait that its questions need. */
export interface Asked {
  readonly tool: string;
  readonly reference: TaskReference | undefined;
  /** Answers in the place of the client's handler. */
  readonly onInput: InputHandler | undefined;
  /** Told of every question of the wait that somebody is thinking about. */
  readonly onThinking: (answer: Promise<unknown>) => void;
}

/** Receives a server's questions and passes them to their handlers. Handlers that the user has set on the SDK's client stay. */
export class PendingQuestions {
  readonly #client: Client;
  readonly #onInput: InputHandler | undefined;
  /** The questions that somebody is answering. */
  readonly open = new OpenQuestions();
  readonly #tasks = new Map<string, Asked>();
  /** The methods whose questions reach a handler; undefined until somebody may answer. */
  #answered: ReadonlySet<string> | undefined;

  constructor(client: Client, onInput: InputHandler | undefined) {
    this.#client = client;
    this.#onInput = onInput;
    if (onInput !== undefined) this.#register();
  }

  /**
   * Whether somebody is there to answer questions of all these methods; of any, where there are none.
   * @throws ConfigurationError when a handler is given that the server will not ask
   */
  canAnswer({ onInput }: Pick<Asked, 'onInput'>, methods: readonly string[]): boolean {
    if (onInput !== undefined) this.#register();
    const isAnswered = (method: string) => this.#answered?.has(method) === true || this.#isTaken(method);
    return methods.length === 0
      ? questionMethods.some(({ method }) => isAnswered(method))
      : methods.every(isAnswered);
  }

  /** Assigns questions that name one of these tasks to this wait, until the returned Disposable is disposed. */
  enter(taskIds: readonly string[], asked: Asked): Disposable {
    for (const id of taskIds) this.#tasks.set(id, asked);
    return new OnDispose(() => {
      for (const id of taskIds) if (this.#tasks.get(id) === asked) this.#tasks.delete(id);
    });
  }

  /** The answer to a question of one wait. @throws UnansweredError where nobody answers such questions, or what the handler throws */
  async ask(question: TaskQuestion, asked: Asked, signal: AbortSignal): Promise<InputAnswer> {
    const handler = asked.onInput ?? this.#onInput;
    if (handler === undefined || this.#answered?.has(question.method) !== true) throw new UnansweredError();
    const { tool, reference } = asked;
    const answer = Promise.resolve(handler({ ...question, tool, reference, signal }));
    asked.onThinking(answer);
    this.open.during(answer);
    return answer;
  }

  /** @throws ConfigurationError when the client declares nothing of it */
  #register(): void {
    if (this.#answered !== undefined) return;
    const answered = questionMethods.filter(({ method, schema }) => {
      if (this.#isTaken(method)) return true;
      try {
        this.#client.setRequestHandler(schema, (request, { signal }) => this.#answer(request, signal));
        return true;
      } catch {
        // The SDK refuses handlers for what the client does not declare.
        return false;
      }
    });
    if (answered.length === 0) {
      throw new ConfigurationError(
        'The client cannot be asked, so that `onInput` would never be called: give it the capability `elicitation`, `sampling` or `roots` when you make it.',
      );
    }
    this.#answered = new Set(answered.map(({ method }) => method));
  }

  /** The answer to a request of the server. */
  async #answer(
    { method, params = {} }: { method: string; params?: object | undefined },
    signal: AbortSignal,
  ): Promise<InputAnswer> {
    const question = { method, params: { ...params } };
    const asked = this.#tasks.get(relatedTask(question) ?? '');
    if (asked !== undefined) return this.ask(question, asked, signal);
    if (this.#onInput === undefined) throw new UnansweredError();
    return this.#onInput({ ...question, signal });
  }

  #isTaken(method: string): boolean {
    try {
      this.#client.assertCanSetRequestHandler(method);
      return false;
    } catch {
      return true;
    }
  }
}

/** The task that a question names (spec 2025-11-25, basic/utilities/tasks, "Related Task Metadata"). */
function relatedTask({ params }: TaskQuestion): string | undefined {
  const related = isRecord(params._meta) ? params._meta[RELATED_TASK_META_KEY] : undefined;
  return isRecord(related) && typeof related.taskId === 'string' ? related.taskId : undefined;
}

/** Whether somebody answers what the server asks: a person, a model. The time that takes is no silence of the server. */
class OpenQuestions {
  readonly #open = new Set<unknown>();
  #lastClosedAt = Number.NEGATIVE_INFINITY;

  /** When a question was last open, on the clock of `performance.now()`. */
  get lastOpenAt(): number {
    return this.#open.size > 0 ? performance.now() : this.#lastClosedAt;
  }

  /** Hears what the server asks by a request of its own, and what it takes back. */
  received(message: JSONRPCRequest | JSONRPCNotification): void {
    if (!('id' in message)) {
      if (message.method === 'notifications/cancelled') this.closed(message.params?.requestId);
    } else if (message.method !== 'ping') this.#open.add(message.id);
  }

  /** Counts a question that came in an answer, not as a request, as open until it is answered. */
  during(answer: Promise<unknown>): void {
    this.#open.add(answer);
    const close = () => this.closed(answer);
    answer.then(close, close);
  }

  /** Forgets all open questions: the connection is lost, so their answers cannot be delivered. */
  clear(): void {
    for (const question of this.#open) this.closed(question);
  }

  /** @param question the id of a request that is answered or taken back, or a promise of an answer */
  closed(question: unknown): void {
    if (this.#open.delete(question)) this.#lastClosedAt = performance.now();
  }
}

type Capabilities = NonNullable<ClientOptions['capabilities']>;

/** The methods by which a server may ask, with the capability that lets it. */
export const questionMethods = [
  { method: 'elicitation/create', capability: 'elicitation', schema: ElicitRequestSchema },
  { method: 'sampling/createMessage', capability: 'sampling', schema: CreateMessageRequestSchema },
  { method: 'roots/list', capability: 'roots', schema: ListRootsRequestSchema },
] as const;

/** What a client declares so that it is asked: what the user says, else that a person can be asked. */
export function capabilitiesToAsk(given: Capabilities = {}, hasHandler: boolean): Capabilities {
  const declared = questionMethods.some(({ capability }) => given[capability] !== undefined);
  return hasHandler && !declared ? { ...given, elicitation: {} } : given;
}
