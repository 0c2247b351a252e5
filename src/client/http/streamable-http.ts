import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { sleep, startTimer } from '../../time/sleep.js';
import type { RequestExtension } from '../connection/client-transport.js';
import { LostContactError, NotConnectedError } from '../connection/contact.js';
import { answeredId, asSent, cancelledId, isRequest } from '../connection/message-kind.js';
import type { HttpAnswer } from './answer.js';
import { bodyText, errorTextOf, mediaTypeOf } from './body.js';
import {
  brokenOff,
  mayComeLater,
  newStreamState,
  readStream,
  resumeStream,
  type StreamState,
  UnusableAnswer,
} from './event-streams.js';
import { errorMessageIn, httpMessagesIn, isAnsweredIn, speaksOfSession } from './messages.js';
import { reconnectDelayMs } from './reconnect-delay.js';
import { isSessionAlive, untilStarted } from './session-check.js';
import type { HttpWire, WireOptions } from './wire.js';

interface StreamReading {
  readonly state: StreamState;
  readonly signal: AbortSignal;
  /** The request that the stream answers; undefined for the stream of unsolicited messages. */
  readonly request?: JSONRPCRequest;
}

const EVENT_STREAM = 'text/event-stream';
const ACCEPTED = `application/json, ${EVENT_STREAM}`;
/** Of a stream that the server may use or not. */
const MIN_LISTEN_DELAY_MS = 1000;
/** How long a stream may take to be there that is to bring an answer. */
const STREAM_LIMIT_MS = 10_000;
const MAX_UNCHANGED = 3;
const AUTHORIZATION = new Set([401, 403]);
const KEEPS_SESSION = new Set([...AUTHORIZATION, 429]);

/**
 * Streamable HTTP (spec 2025-11-25, basic/transports). Unlike the SDK's transport it tells when an answer is lost, asks less
 * and less often for streams that bring nothing, counts what arrives, and finds out whether an error that speaks of a
 * session means that the session is gone.
 */
export class StreamableHttp implements HttpWire {
  readonly #options: WireOptions;
  readonly #closing = new AbortController();
  /** Requests whose answer has not begun. */
  readonly #posted = new Set<string>();
  readonly #waiting = new Map<string, AbortController>();
  #sessionId: string | undefined;
  #isSessionGone = false;
  #protocolVersion: string | undefined;
  /** The stream of the server's unsolicited messages. */
  #stream: 'none' | 'asked for' | 'known' = 'none';
  /** Requests that were answered with HTTP 202: their answers may come by that stream. */
  readonly #elsewhere = new Set<RequestId>();

  constructor(options: WireOptions) {
    this.#options = options;
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isSessionGone) throw new StreamableHTTPError(404, 'the session is gone');
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#takeBack(String(cancelled));
    const extension = this.#options.extend(message);
    const id = isRequest(message) ? String(message.id) : '';
    if (isRequest(message)) this.#posted.add(id);
    const ask = () => this.#post(message, extension);
    const isOpening = 'method' in message && message.method === 'initialize';
    const sent = isOpening ? untilStarted(ask, this.#closing.signal) : ask();
    const response = await sent.catch(error => {
      this.#posted.delete(id);
      throw error;
    });
    if (extension === undefined) this.#sessionId = response.headers.get('mcp-session-id') ?? this.#sessionId;
    if (isRequest(message)) {
      const isWanted = this.#posted.delete(id);
      return isWanted ? this.#takeAnswer(message, response, extension) : response.body.cancel();
    }
    if (!response.ok) throw await this.#options.requests.refusal(response);
    await response.body.cancel();
    if ('method' in message && message.method === 'notifications/initialized') void this.#listen();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Not connected'));
    for (const id of [...this.#waiting.keys()]) this.#takeBack(id);
    if (this.#sessionId === undefined || this.#isSessionGone) return;
    const response = await this.#options.requests.send({
      method: 'DELETE',
      headers: this.#headers(),
      fixed: {},
    });
    await response.body.cancel();
  }

  #post(
    message: JSONRPCMessage,
    extension: RequestExtension | undefined,
    signal = extension?.signal,
  ): Promise<HttpAnswer> {
    return this.#options.requests.send({
      method: 'POST',
      body: JSON.stringify(message),
      headers: this.#headers(),
      fixed: {
        'content-type': 'application/json',
        accept: ACCEPTED,
        ...extension?.headers,
        ...(extension !== undefined && { 'mcp-session-id': undefined }),
      },
      signal,
    });
  }

  async #takeAnswer(
    request: JSONRPCRequest,
    response: HttpAnswer,
    extension: RequestExtension | undefined,
  ): Promise<void> {
    const { listener, maxAnswerBytes } = this.#options;
    if (!response.ok) {
      const body = await errorTextOf(response);
      // Revision 2026-07-28 answers with JSON-RPC errors that have an HTTP status.
      const isAnswer = extension !== undefined && !AUTHORIZATION.has(response.status);
      const error = isAnswer ? errorMessageIn(body, request.id) : undefined;
      if (error === undefined) throw await this.#refusal(response, body);
      listener.deliver(error);
      return listener.answerEnded(request.id);
    }
    const type = mediaTypeOf(response);
    if (type === EVENT_STREAM) return void this.#followAnswer(request, response, extension === undefined);
    if (response.status === 202) {
      await response.body.cancel();
      this.#elsewhere.add(request.id);
      if (this.#stream === 'none') this.#endElsewhere();
      else
        startTimer(STREAM_LIMIT_MS, () => this.#stream === 'known' || this.#endElsewhere(), { unref: true });
      return;
    }
    if (!/json|^$|^text\/plain$/.test(type)) {
      await response.body.cancel();
      throw new StreamableHTTPError(-1, `Unexpected content type: ${type}`);
    }
    for (const message of httpMessagesIn(await bodyText(response, maxAnswerBytes), request)) {
      if (await this.#meansSessionGone(message, request)) throw new StreamableHTTPError(404, textIn(message));
      listener.deliver(message);
    }
    listener.answerEnded(request.id);
  }

  /** Reads the stream with an answer, and goes on with it where it breaks off. */
  async #followAnswer(request: JSONRPCRequest, first: HttpAnswer, isResumable: boolean): Promise<void> {
    const state = newStreamState();
    const id = String(request.id);
    const controller = new AbortController();
    this.#waiting.set(id, controller);
    const { signal } = controller;
    let cause: Error | undefined;
    try {
      for (let stream = first, unchanged = 0; ; ) {
        const before = state.lastEventId;
        await this.#read(stream, { state, signal, request });
        if (!this.#waiting.has(id)) break;
        if (!isResumable || state.lastEventId === undefined) throw brokenOff(state);
        unchanged = state.fruitless > 0 && before === state.lastEventId ? unchanged + 1 : 0;
        if (unchanged === MAX_UNCHANGED)
          throw new LostContactError('the answer broke off, and the server brings no more of it');
        const ask = () => this.#get(state.lastEventId, signal);
        stream = await resumeStream({ ask, ended: state, signal });
      }
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error));
    }
    this.#waiting.delete(id);
    this.#options.listener.answerEnded(request.id, cause);
  }

  #takeBack(id: string): void {
    this.#posted.delete(id);
    this.#elsewhere.delete(asSent(id));
    this.#waiting.get(id)?.abort(new Error('The request was taken back'));
    this.#waiting.delete(id);
  }

  /** Listens to the server's unsolicited messages as long as it offers a stream of them. */
  async #listen(): Promise<void> {
    if (this.#stream !== 'none') return;
    this.#stream = 'asked for';
    const { signal } = this.#closing;
    const state = newStreamState();
    try {
      while (!signal.aborted) {
        const response = await this.#get(state.lastEventId, signal).catch(error => this.#report(error));
        const isStream = response?.ok === true && mediaTypeOf(response) === EVENT_STREAM;
        if (response !== undefined && isStream) {
          this.#stream = 'known';
          await this.#read(response, { state, signal });
        } else {
          await response?.body.cancel();
          if (response !== undefined && !mayComeLater(response.status)) return;
          state.fruitless++;
        }
        await sleep(reconnectDelayMs({ ...state, minDelayMs: MIN_LISTEN_DELAY_MS }), signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#report(error);
    } finally {
      this.#stream = 'none';
      this.#endElsewhere();
    }
  }

  #endElsewhere(): void {
    for (const id of this.#elsewhere)
      this.#options.listener.answerEnded(id, new Error('the server answers HTTP 202 and no more'));
    this.#elsewhere.clear();
  }

  #get(lastEventId: string | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#options.requests.send({
      method: 'GET',
      headers: this.#headers(),
      fixed: { accept: EVENT_STREAM, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
      signal,
    });
  }

  /** @throws what an answer that cannot be read fails with, NotConnectedError where the session is gone */
  #read(stream: HttpAnswer, { state, signal, request }: StreamReading): Promise<void> {
    return readStream(stream, state, {
      maxBytes: this.#options.maxAnswerBytes,
      take: data => this.#take(data, request),
      report: this.#report,
      signal,
    });
  }

  async #take(data: string, request: JSONRPCRequest | undefined): Promise<void> {
    try {
      for (const message of httpMessagesIn(data, request)) {
        if (request !== undefined && (await this.#meansSessionGone(message, request))) {
          this.#isSessionGone = true;
          throw new UnusableAnswer(new NotConnectedError(textIn(message)));
        }
        const answered = answeredId(message);
        if (answered !== undefined) {
          this.#waiting.delete(String(answered));
          this.#elsewhere.delete(asSent(answered));
        }
        this.#options.listener.deliver(message);
      }
    } catch (error) {
      if (error instanceof UnusableAnswer) throw error;
      if (request !== undefined && isAnsweredIn(data, request)) throw new UnusableAnswer(error);
      this.#report(error);
    }
  }

  /** What a refusal means for the session: some servers say by other words, or another status, that it is gone. */
  async #refusal(response: HttpAnswer, body: string): Promise<StreamableHTTPError> {
    const refusal = await this.#options.requests.refusal(response, { body });
    const mayBeGone = this.#sessionId !== undefined && !KEEPS_SESSION.has(response.status);
    return mayBeGone && speaksOfSession(refusal.message) && !(await this.#isSessionAlive())
      ? new StreamableHTTPError(404, refusal.message)
      : refusal;
  }

  async #meansSessionGone(message: JSONRPCMessage, request: JSONRPCRequest): Promise<boolean> {
    if (this.#sessionId === undefined || request.method === 'initialize') return false;
    if (!('error' in message) || String(message.id) !== String(request.id)) return false;
    return speaksOfSession(message.error.message) && !(await this.#isSessionAlive());
  }

  #isSessionAlive(): Promise<boolean> {
    return isSessionAlive((ping, signal) => this.#post(ping, undefined, signal));
  }

  #report = (error: unknown): undefined => void this.#options.listener.report(error);

  #headers(): Record<string, string | undefined> {
    return { 'mcp-session-id': this.#sessionId, 'mcp-protocol-version': this.#protocolVersion };
  }
}

function textIn(message: JSONRPCMessage): string {
  return 'error' in message ? message.error.message : '';
}
