import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { TaskQuestion } from '../../protocols/protocol.js';
import { isRecord } from '../../protocols/tool-result.js';
import { untilAborted } from '../../time/signals.js';

interface OpenQuestion {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Asks the SDK's client as a server of revision 2025-11-25 would, so that its handlers and its checks serve both. */
export class HandledQuestions {
  readonly #deliver: (message: JSONRPCMessage) => void;
  readonly #open = new Map<RequestId, OpenQuestion>();
  #count = 0;

  constructor(deliver: (message: JSONRPCMessage) => void) {
    this.#deliver = deliver;
  }

  /** @throws the client's error, or the signal's reason */
  async ask({ method, params }: TaskQuestion, signal: AbortSignal): Promise<unknown> {
    this.#count++;
    const id = `mcp-await-ask-${this.#count}`;
    const answered = new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
    });
    this.#deliver({ jsonrpc: '2.0', id, method, params: { ...params } });
    try {
      return await untilAborted(answered, signal);
    } finally {
      // Nobody has answered.
      if (this.#open.delete(id))
        this.#deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
    }
  }

  /** Takes what the client answers. */
  answer(id: RequestId, message: JSONRPCMessage): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if ('result' in message) open?.resolve(message.result);
    else if ('error' in message) open?.reject(new Error(message.error.message));
  }
}

/** The questions in an answer, by their keys. */
export function questionsIn(inputRequests: unknown): readonly (readonly [string, TaskQuestion])[] {
  const entries = isRecord(inputRequests) ? Object.entries(inputRequests) : [];
  return entries.flatMap(([key, request]) =>
    isRecord(request) && typeof request.method === 'string'
      ? [[key, { method: request.method, params: isRecord(request.params) ? request.params : {} }] as const]
      : [],
  );
}
