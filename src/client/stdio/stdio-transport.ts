import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { excerpt } from '../../protocols/excerpt.js';
import { parseJson } from '../../protocols/tool-result.js';
import { isWithin } from '../../time/at-most.js';
import { newDeferred } from '../../time/deferred.js';
import { startTimer } from '../../time/sleep.js';
import type { ClientTransport } from '../connection/client-transport.js';
import { answeredId, asSent, cancelledId, isRequest } from '../connection/message-kind.js';
import { SentSecrets } from '../connection/sent-secrets.js';
import { answerTooLarge, unreadableAnswer } from '../connection/unreadable-answer.js';
import { GreetingMemory, HandedConversation, HandedProcess, type HandedServer } from './handed-server.js';
import { LineReader } from './line-reader.js';
import { joinIndented, messagesIn } from './messages-in.js';
import { GRACE_MS, signalGroup } from './process-group.js';
import { type StartOptions, startProcess } from './start-process.js';

export interface StdioTransportOptions extends StartOptions {
  /** Largest message, in bytes. */
  readonly maxAnswerBytes: number;
  /** Values of `env` that no error may repeat. */
  readonly secrets?: readonly string[] | undefined;
  /** The server where it runs already; the command is not started then. */
  readonly handed?: HandedServer | undefined;
}

/** Something on the standard output of a server that is no message. */
export class ForeignOutputError extends Error {
  override readonly name = 'ForeignOutputError';
}

type ServerProcess = ChildProcess | HandedProcess;

/** How a process has ended. */
interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const STDERR_TAIL_CHARACTERS = 2000;
/** What an ended process has written is there by then, unless somebody else holds its pipes. */
const LAST_OUTPUT_MS = 250;
/** A message without a line break after it is taken as one when nothing follows for this time. */
const UNTERMINATED_MS = 250;
/** A line that is too large and goes on for so many times the limit has no end. */
const ENDLESS_TIMES = 2;

const ID_IN_HEAD = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,16}|"[^"\\]{1,200}")/;
const NO_ANSWER = /^\s*\{[^{[]*"method"/;
const ID_IN_TAIL = /"id"\s*:\s*(\d{1,16}|"[^"\\]{1,200}")\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/**
 * A server as a child process. Unlike the SDK's transport it reads large messages in linear time, finds messages among other
 * output, notices the end of the process although others hold its pipes, and ends all that it has started.
 */
export class StdioTransport implements ClientTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: StdioTransportOptions;
  readonly #reader: LineReader;
  /** Requests that are not answered. */
  readonly #waiting = new Set<RequestId>();
  readonly #over = newDeferred();
  readonly #greetings = new GreetingMemory();
  readonly #conversation: HandedConversation | undefined;
  readonly #secrets: SentSecrets;
  #child: ServerProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #end: ProcessEnd | undefined;
  #isOver = false;
  #stderr = '';
  #heardAt = Number.NEGATIVE_INFINITY;
  #stopLooking: (() => void) | undefined;
  #lookedAtBytes = 0;
  #closed: Promise<void> | undefined;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
    this.#secrets = new SentSecrets(options.secrets ?? []);
    this.#conversation = options.handed && new HandedConversation(options.handed);
    this.#reader = new LineReader({
      maxBytes: options.maxAnswerBytes,
      onLine: joinIndented(options.maxAnswerBytes, line => this.#readLine(line)),
      onTooLarge: head => this.#fail(ID_IN_HEAD.exec(head)?.[1], !NO_ANSWER.test(head)),
      onDropped: tail => this.#fail(ID_IN_TAIL.exec(tail)?.[1], false),
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last of what the process wrote to its standard error. */
  get stderr(): string {
    return this.#secrets.masked(this.#stderr.trim());
  }

  /** When the process wrote anything last, on the clock of `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** How the process has ended, as a clause; undefined while it runs. */
  get ending(): string | undefined {
    if (this.#end === undefined) return undefined;
    const { code, signal } = this.#end;
    return signal === null ? `ended with exit code ${code}` : `was ended by the signal ${signal}`;
  }

  start(): Promise<void> {
    const { handed } = this.#options;
    const child = handed === undefined ? startProcess(this.#options) : new HandedProcess(handed);
    this.#child = child;
    this.#exited = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#end = { code, signal };
        resolve();
        this.#exitedNow();
      });
    });
    child.once('close', () => this.#finish());
    for (const stream of child.stdio) stream?.on('error', error => this.onerror?.(error));
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#heardAt = performance.now();
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.on('error', error => {
        reject(error);
        this.onerror?.(error);
        // The process never started, so no other event reports its end.
        if (child.pid === undefined) this.#finish();
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (this.#isOver || stdin === undefined || stdin === null) throw new Error('Not connected');
    const cancelled = cancelledId(message);
    const known = this.#conversation?.known(message);
    if (known !== undefined) {
      if (known !== null) queueMicrotask(() => this.onmessage?.(known));
      return;
    }
    if (isRequest(message)) {
      this.#waiting.add(message.id);
      this.#greetings.sent(message);
    } else if (cancelled !== undefined) this.#waiting.delete(cancelled);
    const failure = await new Promise<Error | null | undefined>(resolve => {
      stdin.write(`${JSON.stringify(this.#conversation?.outgoing(message) ?? message)}\n`, resolve);
    });
    // A process that has ended is told of as such.
    if (failure && !(await isWithin(this.#over.promise, LAST_OUTPUT_MS))) throw failure;
  }

  /** Settles when the process has ended. Its input ends first; one that goes on is asked to end, and then made to. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * Leaves the server to another process, which `take` starts with these streams; it returns whether that could be done.
   * From then on nothing is read or written here.
   */
  handOver(take: (streams: readonly Duplex[]) => ((server: HandedServer) => void) | undefined): boolean {
    const child = this.#child;
    const pid = child?.pid;
    if (child === undefined || pid === undefined || this.#isOver || this.#end !== undefined) return false;
    const give = take(child.stdio as readonly Duplex[]);
    if (give === undefined) return false;
    this.#isOver = true;
    this.#closed = Promise.resolve();
    this.#stopLooking?.();
    const unread = (child.stdout?.read() as Buffer | null) ?? Buffer.alloc(0);
    const rest = Buffer.concat([this.#reader.pending, unread]).toString('base64');
    give({ pid, rest, greetings: this.#greetings.greetings });
    // The streams are destroyed, not ended, because the other process has them, too.
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
    return true;
  }

  /** Leaves the end of a server that is being closed to another process, which `take` starts with the pipes of its output. */
  leaveEnding(take: (pid: number, output: readonly Duplex[]) => boolean): void {
    const child = this.#child;
    if (child?.pid === undefined || this.#closed === undefined || this.#isOver) return;
    if (take(child.pid, child.stdio.slice(1) as Duplex[])) this.#finish();
  }

  async #close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#isOver) return;
    child.stdin?.end();
    const steps = [
      { signal: 'SIGTERM', pipesMs: LAST_OUTPUT_MS },
      { signal: 'SIGKILL', pipesMs: GRACE_MS },
    ] as const;
    for (const { signal, pipesMs } of steps) {
      // Children of the process may hold its pipes open and go on.
      const isGone = (await this.#isOutWithin(GRACE_MS)) && (await isWithin(this.#over.promise, pipesMs));
      if (isGone || (!signalGroup(child, signal) && this.#end !== undefined)) break;
    }
    await this.#isOutWithin(GRACE_MS);
    this.#finish();
  }

  /** Finishes soon after the process has exited, even if its own children hold the pipes open. */
  #exitedNow(): void {
    const finish = () => {
      if (this.#isOver || this.#closed !== undefined) return;
      if (this.#child !== undefined) signalGroup(this.#child, 'SIGTERM');
      this.#finish();
    };
    startTimer(LAST_OUTPUT_MS, finish, { unref: true });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopLooking?.();
    this.#reader.flush();
    for (const stream of this.#child?.stdio ?? []) stream?.destroy();
    this.#child?.unref();
    this.#over.resolve();
    this.onclose?.();
  }

  /** Whether the process has ended in time, or is another process's. */
  #isOutWithin(limitMs: number): Promise<boolean> {
    return isWithin(Promise.race([this.#exited, this.#over.promise]), limitMs);
  }

  #read(chunk: Buffer): void {
    this.#heardAt = performance.now();
    this.#reader.push(chunk);
    if (this.#reader.pendingBytes > ENDLESS_TIMES * this.#options.maxAnswerBytes) {
      // The error is reported once, although more data arrive until the process has ended.
      if (this.#closed === undefined) this.onerror?.(answerTooLarge(this.#options.maxAnswerBytes));
      this.close().catch(() => {});
      return;
    }
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    if (this.#reader.pendingBytes === 0) this.#lookedAtBytes = 0;
    else if (this.#reader.mayBeComplete)
      this.#stopLooking = startTimer(UNTERMINATED_MS, () => this.#readUnterminated(), { unref: true });
  }

  /** Some servers write no line break until they write something else. */
  #readUnterminated(): void {
    // A large message that arrives slowly is parsed only each time its size has doubled.
    if (this.#reader.pendingBytes < 2 * this.#lookedAtBytes) return;
    this.#lookedAtBytes = this.#reader.pendingBytes;
    const line = this.#reader.peek();
    if (line === undefined || messagesIn(line).messages.length === 0) return;
    this.#reader.clear();
    this.#lookedAtBytes = 0;
    this.#readLine(line);
  }

  #readLine(line: string): void {
    const { messages, unreadable, hasNoise } = messagesIn(line);
    if (hasNoise) this.onerror?.(new ForeignOutputError(excerpt(line)));
    for (const { id, error } of unreadable) this.#deliver(unreadableAnswer(id, error));
    for (const message of messages) this.#deliver(message);
  }

  #deliver(received: JSONRPCMessage): void {
    const message = this.#conversation === undefined ? received : this.#conversation.incoming(received);
    if (message === undefined) return;
    this.#greetings.received(message);
    const id = answeredId(message);
    if (id !== undefined) this.#waiting.delete(asSent(id));
    this.onmessage?.(this.#secrets.withoutSecrets(message));
  }

  /** The id of a request as the client knows it; undefined where the request is another process's. */
  #ownId(received: RequestId): RequestId | undefined {
    const id = asSent(received);
    return this.#conversation === undefined ? id : this.#conversation.ownId(id);
  }

  /** @param idText the id of an answer that is too large, as JSON; undefined where it is not known */
  #fail(idText: string | undefined, isAnswer: boolean): void {
    const error = answerTooLarge(this.#options.maxAnswerBytes);
    const [only, ...others] = this.#waiting;
    const known = idText === undefined ? undefined : (parseJson(idText) as RequestId | undefined);
    const id =
      known === undefined ? (isAnswer && others.length === 0 ? only : undefined) : this.#ownId(known);
    if (id !== undefined && this.#waiting.delete(id)) this.onmessage?.(unreadableAnswer(id, error));
    else this.onerror?.(error);
  }
}
