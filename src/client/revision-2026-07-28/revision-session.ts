import {
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type ServerCapabilities,
} from '@modelcontextprotocol/sdk/types.js';
import { InputRequiredError } from '../../errors.js';
import { excerpt, excerptOf } from '../../protocols/excerpt.js';
import { isRecord } from '../../protocols/tool-result.js';
import { answeredId, cancelledId, isRequest, ownId } from '../connection/message-kind.js';
import { HandledQuestions, questionsIn } from './client-questions.js';
import {
  type ClientIdentity,
  framed,
  headersOfCall,
  type ParameterHeader,
  parameterHeaders,
  standardHeaders,
  TASKS_EXTENSION_NAME,
} from './revision-wire.js';
import { Subscriptions } from './subscriptions.js';

export interface RevisionSessionOptions {
  readonly identity: ClientIdentity;
  readonly capabilities: ServerCapabilities;
  readonly send: (message: JSONRPCMessage) => Promise<void>;
  /** To the SDK's client. */
  readonly deliver: (message: JSONRPCMessage) => void;
  readonly report: (error: Error) => void;
  /** Whether a request is cancelled by ending its HTTP request. */
  readonly isHttp: boolean;
}

type Result = Readonly<Record<string, unknown>>;

/** A request of the client, from its first sending to its answer. */
interface Pending {
  readonly request: JSONRPCRequest;
  /** Aborts when the client takes the request back. */
  readonly takenBack: AbortController;
  /** The id of the sending that is under way; undefined while questions are answered. */
  wireId: RequestId | undefined;
  rounds: number;
}

/** There is no `ping` any more. */
const PING = 'server/discover';
/** Limits the rounds of questions of one request. */
const MAX_ROUNDS = 100;
/**
 * Revision 2026-07-28 in the words of revision 2025-11-25, for the SDK's client of today: requests are framed, results that ask for
 * input are answered and sent again, and what revision 2026-07-28 has no method for is done here.
 */
export class RevisionSession {
  readonly #options: RevisionSessionOptions;
  readonly #questions: HandledQuestions;
  readonly #subscriptions: Subscriptions;
  /** By the client's id. */
  readonly #pending = new Map<RequestId, Pending>();
  /** By the id on the wire. */
  readonly #sent = new Map<RequestId, Pending>();
  readonly #streams = new Map<RequestId, AbortController>();
  #tools: ReadonlyMap<string, readonly ParameterHeader[]> = new Map();
  #logLevel: unknown;

  constructor(options: RevisionSessionOptions) {
    this.#options = options;
    this.#questions = new HandledQuestions(options.deliver);
    this.#subscriptions = new Subscriptions({
      toolsListChanged: options.capabilities.tools?.listChanged === true,
      send: request => options.send({ ...request, params: framed(request.params, options.identity) }),
      drop: id => this.#drop(id),
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (isRequest(message)) return this.#ask(message);
    const answered = answeredId(message);
    if (answered !== undefined) return this.#questions.answer(answered, message);
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#takeBack(cancelled);
    // Other notifications have no place in revision 2026-07-28.
  }

  /** Takes what the server sends. */
  receive(message: JSONRPCMessage): void {
    if (this.#subscriptions.takes(message)) return;
    const id = answeredId(message);
    if (id !== undefined) {
      this.#streams.delete(id);
      const pending = this.#sent.get(id);
      if (pending !== undefined) this.#answered(pending, message);
    } else if ('method' in message && !isRequest(message)) {
      this.#noteTask(message.params);
      this.#options.deliver(message);
    }
  }

  /** The client's id of a request whose stream has ended without an answer; undefined for any other stream. */
  streamEnded(wireId: RequestId): RequestId | undefined {
    this.#streams.delete(wireId);
    this.#subscriptions.ended(wireId);
    return this.#sent.get(wireId)?.request.id;
  }

  /** What a message adds to its HTTP request. */
  httpRequest(message: JSONRPCMessage): { headers: Record<string, string>; signal: AbortSignal } {
    const controller = new AbortController();
    if (isRequest(message)) this.#streams.set(message.id, controller);
    return {
      headers: { ...standardHeaders(message), ...this.#parameterHeaders(message) },
      signal: controller.signal,
    };
  }

  close(): void {
    this.#subscriptions.close();
    for (const { takenBack } of this.#pending.values()) takenBack.abort(new Error('Connection closed'));
    for (const controller of this.#streams.values()) controller.abort();
  }

  async #ask(request: JSONRPCRequest): Promise<void> {
    const { method, params = {}, id } = request;
    switch (method) {
      case 'logging/setLevel':
        this.#logLevel = params.level;
        return this.#done(id);
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        this.#subscriptions.resource(String(params.uri), method === 'resources/subscribe');
        return this.#done(id);
      case 'ping':
        return this.#begin({ ...request, method: PING, params: {} });
      default:
        return this.#begin(request);
    }
  }

  async #done(id: RequestId): Promise<void> {
    this.#options.deliver({ jsonrpc: '2.0', id, result: {} });
  }

  #begin(request: JSONRPCRequest): Promise<void> {
    const pending = { request, takenBack: new AbortController(), wireId: undefined, rounds: 0 };
    this.#pending.set(request.id, pending);
    return this.#transmit(pending, request.id, request.params);
  }

  async #transmit(pending: Pending, wireId: RequestId, params: JSONRPCRequest['params']): Promise<void> {
    const { identity, send } = this.#options;
    pending.wireId = wireId;
    this.#sent.set(wireId, pending);
    try {
      await send({ ...pending.request, id: wireId, params: framed(params, identity, this.#logLevel) });
    } catch (error) {
      this.#streams.delete(wireId);
      if (pending.takenBack.signal.aborted) return;
      this.#forget(pending);
      throw error;
    }
  }

  #answered(pending: Pending, message: JSONRPCMessage): void {
    const { id, method } = pending.request;
    if (pending.wireId !== undefined) this.#sent.delete(pending.wireId);
    pending.wireId = undefined;
    if ('result' in message && message.result.resultType === 'input_required') {
      void this.#answerQuestions(pending, message.result);
      return;
    }
    this.#forget(pending);
    if ('result' in message) {
      this.#noteTask(message.result);
      this.#options.deliver({ ...message, id, result: { ...this.#translated(method, message.result) } });
    } else {
      this.#options.deliver({ ...message, id } as JSONRPCMessage);
    }
  }

  #translated(method: string, result: Result): Result {
    if (method === PING) return {};
    const { resultType, ...rest } = result;
    const kept = resultType === undefined || resultType === 'complete' ? rest : result;
    return method === 'tools/list' && Array.isArray(kept.tools)
      ? { ...kept, tools: this.#usable(kept.tools) }
      : kept;
  }

  /** The tools without those that must not be used (SEP-2243). */
  #usable(tools: readonly unknown[]): unknown[] {
    const known = new Map(this.#tools);
    const usable = tools.filter(tool => {
      if (!isRecord(tool) || typeof tool.name !== 'string') return true;
      const declared = parameterHeaders(tool.inputSchema);
      if (typeof declared === 'string') {
        this.#options.report(new Error(`The tool \`${excerpt(tool.name)}\` is left out: ${declared}.`));
        return false;
      }
      known.set(tool.name, declared);
      return true;
    });
    this.#tools = known;
    return usable;
  }

  #parameterHeaders(message: JSONRPCMessage): Record<string, string> {
    if (!isRequest(message) || message.method !== 'tools/call') return {};
    return headersOfCall(this.#tools.get(String(message.params?.name)) ?? [], message.params?.arguments);
  }

  /** Also a task that was not started as one: a server may let it be seen as one (SEP-2663, "Task Status Notifications"). */
  followTask(taskId: string, wanted: boolean): void {
    if (this.#options.capabilities.extensions?.[TASKS_EXTENSION_NAME] !== undefined)
      this.#subscriptions.task(taskId, wanted);
  }

  /** A task that runs is to be told of by itself; one that is over need not be. */
  #noteTask(state: Result | undefined): void {
    const { taskId, status } = state ?? {};
    if (typeof taskId !== 'string' || typeof status !== 'string') return;
    this.#subscriptions.task(taskId, status === 'working' || status === 'input_required');
  }

  /** Answers what the server asks before it goes on, and sends the request again (SEP-2322). */
  async #answerQuestions(pending: Pending, { inputRequests, requestState }: Result): Promise<void> {
    const { request, takenBack } = pending;
    const questions = questionsIn(inputRequests);
    try {
      pending.rounds++;
      if (pending.rounds > MAX_ROUNDS) throw new Error(`the server has asked ${MAX_ROUNDS} times`);
      const answers: [string, unknown][] = [];
      for (const [key, question] of questions)
        answers.push([key, await this.#questions.ask(question, takenBack.signal)]);
      const params = {
        ...request.params,
        // An assignment would lose a key such as `__proto__`.
        inputResponses: Object.fromEntries(answers),
        ...(requestState !== undefined && { requestState }),
      };
      await this.#transmit(pending, ownId(), params);
    } catch (error) {
      if (takenBack.signal.aborted) return;
      this.#forget(pending);
      const reason = error instanceof Error ? error.message : String(error);
      const asks = questions.map(([, { params, method }]) => excerptOf(params.message ?? method)).join(' · ');
      const data = new InputRequiredError(
        `The server asks for input before it goes on, and its answer could not be had (${excerpt(reason)}): give \`onInput\`. It asks: ${excerpt(asks)}`,
        { questions: questions.map(([, question]) => question), cause: error },
      );
      const failure = { code: ErrorCode.InternalError, message: data.message, data };
      this.#options.deliver({ jsonrpc: '2.0', id: request.id, error: failure });
    }
  }

  #takeBack(id: RequestId): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#forget(pending);
    pending.takenBack.abort(new Error('The request was taken back'));
    if (pending.wireId !== undefined) this.#drop(pending.wireId);
  }

  #drop(wireId: RequestId): void {
    const { isHttp, send, identity } = this.#options;
    this.#streams.get(wireId)?.abort(new Error('The request was taken back'));
    this.#streams.delete(wireId);
    if (isHttp) return;
    const params = framed({ requestId: wireId }, identity);
    send({ jsonrpc: '2.0', method: 'notifications/cancelled', params }).catch(() => {});
  }

  #forget(pending: Pending): void {
    this.#pending.delete(pending.request.id);
    if (pending.wireId !== undefined) this.#sent.delete(pending.wireId);
  }
}
