import type { JSONRPCNotification } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../pacing/bounded-map.js';
import { isRecord } from '../protocols/tool-result.js';
import { onDispose } from '../time/on-dispose.js';

/** What a server tells of a task without being asked. It is a hint to ask, never an answer. */
export interface News {
  /** What it is about: the id of a task or the URI of a resource. */
  readonly topic: string;
  /** The task's status where the server says it. */
  readonly status?: string;
  readonly message?: string;
}

export type NewsListener = (news: News) => void;

/** News that came before anybody listened for them: the answer to a start may be behind them. */
const MOST_UNCLAIMED = 1000;
/** Longer ones name no task of ours. */
const LONGEST_TOPIC = 1024;

/** What is longer is told to those who listen, and not kept. */
const MAX_KEPT_CHARACTERS = 1024;

const TASK_METHODS = new Set(['notifications/tasks/status', 'notifications/tasks']);
const RESOURCE_METHOD = 'notifications/resources/updated';

/** The news in a notification, of either generation of tasks; undefined when it has none. */
export function readNews({ method, params }: JSONRPCNotification): News | undefined {
  const topic = TASK_METHODS.has(method)
    ? params?.taskId
    : method === RESOURCE_METHOD
      ? params?.uri
      : undefined;
  if (typeof topic !== 'string' || topic.length > LONGEST_TOPIC) return undefined;
  const { status, statusMessage } = isRecord(params) ? params : {};
  return {
    topic,
    ...(typeof status === 'string' && { status }),
    ...(typeof statusMessage === 'string' && { message: statusMessage }),
  };
}

/** Hands news of tasks to those who wait for them, and keeps the latest for those who are yet to come. */
export class TaskNews {
  readonly #listeners = new Map<string, NewsListener[]>();
  readonly #unclaimed = new BoundedMap<News>(MOST_UNCLAIMED);

  tell(news: News): void {
    const listeners = this.#listeners.get(news.topic);
    if (listeners === undefined) this.#unclaimed.set(news.topic, withoutLongTexts(news));
    for (const listener of listeners ?? []) listener(news);
  }

  /** There may have been news that did not come: everybody has reason to ask. */
  tellMissed(): void {
    for (const [topic, listeners] of this.#listeners) for (const listener of listeners) listener({ topic });
  }

  /** Hears of the topics until the answer is disposed, at once of what has come already. */
  listen(topics: readonly string[], listener: NewsListener): Disposable {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic);
      if (listeners === undefined) this.#listeners.set(topic, [listener]);
      else listeners.push(listener);
      const missed = this.#unclaimed.take(topic);
      if (missed !== undefined) listener(missed);
    }
    return onDispose(() => {
      for (const topic of topics) {
        const others = this.#listeners.get(topic)?.filter(other => other !== listener) ?? [];
        if (others.length > 0) this.#listeners.set(topic, others);
        else this.#listeners.delete(topic);
      }
    });
  }
}

function withoutLongTexts({ topic, status, message }: News): News {
  const isShort = (text: string | undefined) => text !== undefined && text.length <= MAX_KEPT_CHARACTERS;
  return { topic, ...(isShort(status) && { status }), ...(isShort(message) && { message }) } as News;
}
