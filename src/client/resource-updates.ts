import { EmptyResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Port } from '../protocols/protocol.js';
import { isRecord } from '../protocols/tool-result.js';
import { onDispose } from '../time/on-dispose.js';

export interface ResourceUpdatesOptions {
  readonly port: Port;
  /** Whether the server takes subscriptions. */
  readonly isOffered: () => boolean;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/** For a request that nobody waits for. */
const TIMEOUT_MS = 30_000;

/**
 * Subscriptions to the resources that tasks are told as (spec 2025-11-25, server/resources, "Subscriptions"), one for
 * each resource that somebody follows. A subscription that fails is missed by nobody: its task is asked at intervals.
 */
export class ResourceUpdates {
  readonly #options: ResourceUpdatesOptions;
  readonly #followers = new Map<string, number>();

  constructor(options: ResourceUpdatesOptions) {
    this.#options = options;
  }

  /** Has the server send updates of the resource until the answer is disposed. */
  follow(uri: string): Disposable | undefined {
    if (!this.#options.isOffered()) return undefined;
    const count = this.#followers.get(uri) ?? 0;
    this.#followers.set(uri, count + 1);
    if (count === 0) this.#send('resources/subscribe', uri);
    return onDispose(() => this.#leave(uri));
  }

  /** Subscribes again, in a new session. */
  renew(): void {
    for (const uri of this.#followers.keys()) this.#send('resources/subscribe', uri);
  }

  #leave(uri: string): void {
    const count = (this.#followers.get(uri) ?? 1) - 1;
    if (count > 0) {
      this.#followers.set(uri, count);
      return;
    }
    this.#followers.delete(uri);
    this.#send('resources/unsubscribe', uri);
  }

  #send(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): void {
    const { port, closed } = this.#options;
    if (closed.aborted) return;
    const options = { signal: closed, timeoutMs: TIMEOUT_MS };
    port.request({ method, params: { uri } }, EmptyResultSchema, options).catch(() => {});
  }
}

/** The resource that the answer to a start links to; undefined when there is none, or more than one. */
export function linkedResource(answer: unknown): string | undefined {
  const content = isRecord(answer) && Array.isArray(answer.content) ? answer.content : [];
  const links = content.filter(block => isRecord(block) && block.type === 'resource_link');
  const uri = links.length === 1 ? links[0].uri : undefined;
  return typeof uri === 'string' ? uri : undefined;
}
