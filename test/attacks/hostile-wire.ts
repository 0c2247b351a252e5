import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import type { ClientTransport } from '../../src/client/connection/client-transport.js';
import { unreadableAnswer } from '../../src/client/connection/unreadable-answer.js';
import { messagesIn } from '../../src/client/stdio/messages-in.js';
import { ForeignOutputError } from '../../src/client/stdio/stdio-transport.js';
import { mutated } from './odd-values.js';
import { conversations, type Fault, type HostileServer } from './server-answers.js';

/** How often each method was asked, over all connections of one server. */
export type Counts = Map<string, number>;

/** The end of a line-based wire on which a hostile server answers; lines are read as those of a process. */
export class HostileWire implements ClientTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #server: HostileServer;
  readonly #counts: Counts;
  #isClosed = false;

  constructor(server: HostileServer, counts: Counts) {
    this.#server = server;
    this.#counts = counts;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) throw new Error('Not connected');
    const sent = JSON.parse(JSON.stringify(message));
    if ('method' in sent && 'id' in sent) queueMicrotask(() => this.#answer(sent));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.();
  }

  #answer(request: JSONRPCRequest): void {
    const { method, params = {}, id } = request;
    const count = this.#counts.get(method) ?? 0;
    this.#counts.set(method, count + 1);
    for (const { method: after, message, mutations, times } of this.#server.unasked) {
      if (after !== method || count > 2) continue;
      const line = JSON.stringify(mutations.reduce(mutated, { jsonrpc: '2.0', ...message }));
      for (let time = 0; time < times; time++) this.#write(line);
    }
    const result = conversations[this.#server.conversation]?.answers[method]?.(params, count);
    const given =
      result === undefined
        ? { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
        : { jsonrpc: '2.0', id, result };
    const faults = this.#server.faults.filter(fault => fault.method === method && count < fault.until);
    const lines = faults.reduce(apply, { message: given, before: [], times: 1, isClosing: false });
    for (const line of lines.before) this.#write(line);
    const line = JSON.stringify(lines.message);
    for (let time = 0; time < lines.times; time++) this.#write(line);
    if (lines.isClosing) void this.close();
  }

  /** As the transport of a process reads a line. */
  #write(line: string): void {
    if (this.#isClosed) return;
    const { messages, unreadable, hasNoise } = messagesIn(line);
    if (hasNoise) this.onerror?.(new ForeignOutputError(line.slice(0, 100)));
    for (const { id, error } of unreadable) this.onmessage?.(unreadableAnswer(id, error));
    for (const message of messages) this.onmessage?.(message);
  }
}

interface Reply {
  readonly message: unknown;
  readonly before: readonly string[];
  readonly times: number;
  readonly isClosing: boolean;
}

let pages = 0;

function apply(reply: Reply, { kind, mutations }: Fault): Reply {
  const message = mutations.reduce(mutated, reply.message);
  const { id, result } = reply.message as { readonly id?: unknown; readonly result?: object };
  switch (kind) {
    case 'mutate':
      return { ...reply, message };
    case 'silence':
      return { ...reply, times: 0 };
    case 'twice':
      return { ...reply, times: 2, before: [JSON.stringify(message)] };
    case 'close':
      return { ...reply, times: 0, isClosing: true };
    case 'noise':
      return { ...reply, before: ['\u001b[31mlog {"jsonrpc"', '[]', 'null', '{"id":', '{"jsonrpc":"2.0"}'] };
    case 'otherId':
      return { ...reply, message: { ...(reply.message as object), id: `${JSON.stringify(id)}x` } };
    case 'refuse':
      return {
        ...reply,
        message: mutations.reduce(mutated, {
          jsonrpc: '2.0',
          id,
          error: { code: -32602, message: 'Refused.', data: { code: 'NO', retryable: true } },
        }),
      };
    case 'endlessPages': {
      pages++;
      const tools = [{ name: `t${pages}`, inputSchema: { type: 'object' } }];
      return {
        ...reply,
        message: { jsonrpc: '2.0', id, result: { ...result, tools, nextCursor: `${pages}` } },
      };
    }
  }
}
