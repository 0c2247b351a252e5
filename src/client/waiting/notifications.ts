import { EmptyResultSchema, type JSONRPCNotification } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import type { Port, Protocol } from '../../protocols/protocol.js';
import { isRecord } from '../../protocols/tool-result.js';
import { OnDispose } from '../../time/on-dispose.js';
import type { Alarm } from '../../time/sleep.js';
import type { TaskReference } from '../../types.js';

/** What a server tells of a task without being asked. It is a hint to ask, never an answer. */
export interface TaskNotification {
  /** What it is about: the id of a task or the URI of a resource. */
  readonly topic: string;
  /** The task's status where the server says it. */
  readonly status?: string;
  readonly message?: string;
}

interface NotificationListener {
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

/** What one wait hears of its task, and what it does then. */
export interface TaskListeningOptions {
  readonly task: {
    readonly protocol: Protocol;
    readonly reference: TaskReference;
    readonly resource?: string | undefined;
  };
  readonly notifications: TaskNotifications;
  readonly resources: ResourceSubscriptions;
  readonly follow: ((taskIds: readonly string[]) => Disposable | undefined) | undefined;
  readonly alarm: Alarm;
  /** Shows a sentence that the server has sent. */
  readonly state: { hear(message: string): void };
}

/** What one wait hears without asking, until it is disposed. */
export class TaskListening implements Disposable {
  readonly #options: TaskListeningOptions;
  readonly #topics: readonly string[];
  /** With the resource's. */
  readonly #allTopics: readonly string[];
  readonly #subscribed: Disposable | undefined;
  #followed: Disposable | undefined;

  constructor(options: TaskListeningOptions) {
    const { task, notifications, resources } = options;
    const { protocol, reference, resource } = task;
    this.#options = options;
    this.#topics = protocol.topics?.(reference.handle) ?? [];
    this.#subscribed = resource === undefined ? undefined : resources.follow(resource);
    this.#allTopics = resource === undefined ? this.#topics : [...this.#topics, resource];
    notifications.listen(this.#allTopics, this);
  }

  /** The wait sleeps: a server that tells only what it was asked to tell is asked now, and not while it holds an answer. */
  sleeping(): void {
    this.#followed ??= this.#options.follow?.(this.#topics);
  }

  /** A notification of work under way is shown; every other is a reason to ask. */
  hear({ status, message }: TaskNotification): void {
    const { alarm, state } = this.#options;
    if (status !== 'working') alarm.ring();
    else if (message !== undefined) state.hear(message);
  }

  [Symbol.dispose](): void {
    this.#options.notifications.leave(this.#allTopics, this);
    this.#subscribed?.[Symbol.dispose]();
    this.#followed?.[Symbol.dispose]();
  }
}
