import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import {
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { answeredId, cancelledId, isRequest } from '../connection/message-kind.js';

/** Of connect's options: a server that runs already, and is spoken to on the file descriptors `HANDED_FDS`. */
export const HANDED = Symbol('handed server');

/** The standard input, output and error of a handed server, in the process that takes it over. */
export const HANDED_FDS = [3, 4, 5] as const;

/** What the server has answered at the beginning, by method. */
export type Greetings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A running server that one process leaves to another, as JSON. */
export interface HandedServer {
  readonly pid: number;
  /** What was read of its standard output and is no whole line, in base64. */
  readonly rest: string;
  readonly greetings: Greetings;
}

const GREETINGS = ['server/discover', 'initialize'];

/** Remembers how a server has answered at the beginning, so that another process need not begin anew. */
export class GreetingMemory {
  readonly #methods = new Map<RequestId, string>();
  readonly #answers: Record<string, Readonly<Record<string, unknown>>> = {};

  get greetings(): Greetings {
    return this.#answers;
  }

  sent(request: JSONRPCRequest): void {
    if (GREETINGS.includes(request.method)) this.#methods.set(request.id, request.method);
  }

  received(message: JSONRPCMessage): void {
    const id = answeredId(message);
    const method = id === undefined ? undefined : this.#methods.get(id);
    if (id === undefined || method === undefined) return;
    this.#methods.delete(id);
    if ('result' in message) this.#answers[method] = message.result;
  }
}

/** Above all ids of the previous process, `ownId` included: answers to its requests may still arrive. */
const ID_OFFSET = 1_000_000_000;

/** Translates the messages of a client that takes over a server: `initialize` is answered from memory, and ids are shifted. */
export class HandedConversation {
  readonly #greetings: Greetings;

  constructor({ greetings }: HandedServer) {
    this.#greetings = greetings;
  }

  /** The remembered answer to a message; null if it needs none; undefined if the message must be sent. */
  known(message: JSONRPCMessage): JSONRPCMessage | null | undefined {
    if (!isRequest(message))
      return 'method' in message && message.method === 'notifications/initialized' ? null : undefined;
    if (!GREETINGS.includes(message.method)) return undefined;
    const result = this.#greetings[message.method];
    const { id } = message;
    return result === undefined
      ? { jsonrpc: '2.0', id, error: { code: ErrorCode.MethodNotFound, message: 'Method not found' } }
      : { jsonrpc: '2.0', id, result };
  }

  outgoing(message: JSONRPCMessage): JSONRPCMessage {
    if (isRequest(message)) {
      const token = message.params?._meta?.progressToken;
      return {
        ...message,
        id: Number(message.id) + ID_OFFSET,
        // The SDK's tokens are its ids.
        ...(typeof token === 'number' && {
          params: {
            ...message.params,
            _meta: { ...message.params?._meta, progressToken: token + ID_OFFSET },
          },
        }),
      };
    }
    const cancelled = cancelledId(message);
    if (cancelled === undefined || !('method' in message)) return message;
    return { ...message, params: { ...message.params, requestId: Number(cancelled) + ID_OFFSET } };
  }

  /** @returns undefined for an answer, or progress, that is another process's */
  incoming(message: JSONRPCMessage): JSONRPCMessage | undefined {
    const token = progressTokenOf(message);
    if (typeof token === 'number' && 'method' in message) {
      const progressToken = this.ownId(token);
      return progressToken === undefined
        ? undefined
        : { ...message, params: { ...message.params, progressToken } };
    }
    const id = answeredId(message);
    if (id === undefined) return message;
    const own = this.ownId(id);
    return own === undefined ? undefined : ({ ...message, id: own } as JSONRPCMessage);
  }

  /** The id before `outgoing` shifted it; undefined for an id of the previous process. */
  ownId(id: RequestId): RequestId | undefined {
    const own = Number(id) - ID_OFFSET;
    return own >= 0 ? own : undefined;
  }
}

function progressTokenOf(message: JSONRPCMessage): unknown {
  return 'method' in message && message.method === 'notifications/progress'
    ? message.params?.progressToken
    : undefined;
}

/** A server process as far as a process that has not started it can see it. */
export class HandedProcess extends EventEmitter {
  readonly pid: number;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  readonly stdio: readonly Socket[];

  constructor({ pid, rest }: HandedServer) {
    super();
    this.pid = pid;
    const [stdin, stdout, stderr] = HANDED_FDS.map(fd => new Socket({ fd, readable: true, writable: true }));
    if (stdin === undefined || stdout === undefined || stderr === undefined) throw new Error('No streams');
    [this.stdin, this.stdout, this.stderr] = [stdin, stdout, stderr];
    this.stdio = [stdin, stdout, stderr];
    if (rest !== '') stdout.unshift(Buffer.from(rest, 'base64'));
    stdout.once('close', () => {
      this.emit('exit', null, null);
      this.emit('close');
    });
    queueMicrotask(() => this.emit('spawn'));
  }

  unref(): void {}
}
