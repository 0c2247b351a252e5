import { EmptyResultSchema, type JSONRPCNotification } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import type { Port } from '../../protocols/protocol.js';
import { isRecord } from '../../protocols/tool-result.js';
import { OnDispose } from '../../time/on-dispose.js';

/** What a server tells of a task without being asked. It is a hint to ask, never an answer. */
export interface TaskNotification {
  /** What it is about: the id of a task or the URI of a resource. */
  readonly topic: string;
  /** The task's status where the server says it. */
  readonly status?: string;
  readonly message?: string;
}

export interface NotificationListener {
  hear(notification: TaskNotification): void;
}

/** Notifications are kept that came before anybody listened: the answer to a start may come after them. */
const MAX_UNCLAIMED = 1000;
/** Longer ones name no task of ours. */
const MAX_TOPIC_LENGTH = 1024;

/** What is longer is told to those who listen, and not kept. */
const MAX_KEPT_CHARACTERS = 1024;

const TASK_METHODS = new Set(['notifications/tasks/status', 'notifications/tasks']);
const RESOURCE_METHOD = 'notifications/resources/updated';

/** What a notification tells of a task, in either revision of tasks; undefined when it tells nothing. */
export function readNotification({ method, params }: JSONRPCNotification): TaskNotification | undefined {
  const topic = TASK_METHODS.has(method)
    ? params?.taskId
    : method === RESOURCE_METHOD
      ? params?.uri
      : undefined;
  if (typeof topic !== 'string' || topic.length > MAX_TOPIC_LENGTH) return undefined;
  const { status, statusMessage } = isRecord(params) ? params : {};
  return {
    topic,
    ...(typeof status === 'string' && { status }),
    ...(typeof statusMessage === 'string' && { message: statusMessage }),
  };
}

/** Delivers notifications to the waits that they are about, and keeps the latest for waits that begin later. */
export class TaskNotifications {
  readonly #listeners = new Map<string, Set<NotificationListener>>();
  readonly #unclaimed = new BoundedMap<TaskNotification>(MAX_UNCLAIMED);

  tell(notification: TaskNotification): void {
    const listeners = this.#listeners.get(notification.topic);
    if (listeners === undefined) this.#unclaimed.set(notification.topic, withoutLongTexts(notification));
    for (const listener of listeners ?? []) listener.hear(notification);
  }

  /** Notifications may have been lost: every wait has reason to ask. */
  tellMissed(): void {
    for (const [topic, listeners] of this.#listeners)
      for (const listener of listeners) listener.hear({ topic });
  }

  /** From now on the listener hears of the topics, at once of what has come already. */
  listen(topics: readonly string[], listener: NotificationListener): void {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic);
      if (listeners === undefined) this.#listeners.set(topic, new Set([listener]));
      else listeners.add(listener);
      const missed = this.#unclaimed.take(topic);
      if (missed !== undefined) listener.hear(missed);
    }
  }

  leave(topics: readonly string[], listener: NotificationListener): void {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(topic);
    }
  }
}

function withoutLongTexts({ topic, status, message }: TaskNotification): TaskNotification {
  const isShort = (text: string | undefined) => text !== undefined && text.length <= MAX_KEPT_CHARACTERS;
  return {
    topic,
    ...(isShort(status) && { status }),
    ...(isShort(message) && { message }),
  } as TaskNotification;
}

export interface ResourceSubscriptionsOptions {
  readonly port: Port;
  /** Whether the server takes subscriptions. */
  readonly isOffered: () => boolean;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/** The time limit of requests in the background, in milliseconds. */
const SUBSCRIPTION_TIMEOUT_MS = 30_000;

/**
 * Subscriptions to the resources that tasks are told as (spec 2025-11-25, server/resources, "Subscriptions"), one for
 * each followed resource. A subscription that fails does no harm: its task is polled at intervals.
 */
export class ResourceSubscriptions {
  readonly #options: ResourceSubscriptionsOptions;
  readonly #followers = new Map<string, number>();

  constructor(options: ResourceSubscriptionsOptions) {
    this.#options = options;
  }

  /** Has the server send updates of the resource until the returned Disposable is disposed. */
  follow(uri: string): Disposable | undefined {
    if (!this.#options.isOffered()) return undefined;
    const count = this.#followers.get(uri) ?? 0;
    this.#followers.set(uri, count + 1);
    if (count === 0) this.#send('resources/subscribe', uri);
    return new OnDispose(() => this.#leave(uri));
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
    const options = { signal: closed, timeoutMs: SUBSCRIPTION_TIMEOUT_MS };
    port.request({ method, params: { uri } }, EmptyResultSchema, options).catch(() => {});
  }
}

/** The resource that the answer to a start links to; undefined when there is none, or more than one. */
export function linkedResource(answer: unknown): string | undefined {
  const content = isRecord(answer) && Array.isArray(answer.content) ? answer.content : [];
  let link: unknown;
  for (const block of content) {
    if (!isRecord(block) || block.type !== 'resource_link') continue;
    if (link !== undefined) return undefined;
    link = block;
  }
  return isRecord(link) && typeof link.uri === 'string' ? link.uri : undefined;
}
