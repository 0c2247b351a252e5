import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { isJsonObject } from '../is-record.js';
import type { Offer } from '../offer.js';
import { RequestError } from '../request-error.js';
import { stamped } from './answer-request.js';
import { detailedTask } from './detailed-task.js';
import type { Envelope } from './envelope.js';
import { CODE, expectParameter, META, missingTasks, resultMessage, type WireRequest } from './wire.js';

export const MAX_SUBSCRIBED_TASKS = 1000;

export interface SubscriptionOptions {
  readonly offer: Offer;
  readonly principal: string;
  readonly envelope: Envelope;
  /** Sends a message on the subscription's stream. */
  send(message: JSONRPCMessage): void;
  /** Called once, after the last message. */
  onEnd(): void;
}

export interface Subscription {
  /** Ends it with its result, as a server does that closes. */
  end(): void;
  /** Stops it without a word, for a client that has gone. */
  stop(): void;
}

/**
 * Answers `subscriptions/listen`: says which tasks it will tell of, how each stands, and then each change, until all have
 * ended (spec 2026-07-28, basic/subscriptions; extension io.modelcontextprotocol/tasks).
 * @throws RequestError
 */
export async function openSubscription(
  request: WireRequest,
  options: SubscriptionOptions,
): Promise<Subscription> {
  const { send, onEnd } = options;
  const offer = (await options.offer.forCaller?.(options)) ?? options.offer;
  const records = await findTasks(request, { ...options, offer });
  const _meta = { [META.subscriptionId]: request.id };
  const running = new Map<string, () => void>();
  const told = new Map<string, string>();
  let over = false;

  function stop(): void {
    over = true;
    for (const unwatch of running.values()) unwatch();
    running.clear();
  }

  function end(): void {
    if (over) return;
    stop();
    send(resultMessage(request.id, stamped({ _meta })));
    onEnd();
  }

  function tell(record: TaskRecord): void {
    if (over) return;
    const { status, statusMessage, ...rest } = detailedTask(record, Date.now());
    const state = JSON.stringify([status, statusMessage, rest.inputRequests]);
    // That it has been taken up by a worker is no news.
    if (told.get(record.taskRef) === state) return;
    told.set(record.taskRef, state);
    const params = { status, ...(statusMessage !== undefined && { statusMessage }), ...rest, _meta };
    send({ jsonrpc: '2.0', method: 'notifications/tasks', params });
    if (isEnded(record)) running.delete(record.taskRef);
  }

  const notifications = records === undefined ? {} : { taskIds: records.map(({ taskRef }) => taskRef) };
  send({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications, _meta },
  });
  for (const record of records ?? []) tell(record);
  for (const record of records ?? []) {
    if (isEnded(record)) continue;
    const unwatch = offer.feed.watch(record, changed => {
      tell(changed);
      if (running.size === 0) end();
    });
    running.set(record.taskRef, unwatch);
  }
  // There is nothing more to tell.
  if (running.size === 0) end();
  return { end, stop };
}

/** The tasks that are asked about and exist for the caller; undefined when none are asked about. */
async function findTasks(
  { params }: WireRequest,
  { offer: { tasks }, principal, envelope }: SubscriptionOptions,
): Promise<readonly TaskRecord[] | undefined> {
  const { notifications } = params;
  expectParameter(isJsonObject(notifications), 'notifications', 'an object');
  const { taskIds } = notifications;
  if (taskIds === undefined) return undefined;
  if (!envelope.takesTasks) throw missingTasks('A subscription to tasks');
  const isList = Array.isArray(taskIds) && taskIds.every(id => typeof id === 'string');
  expectParameter(isList, 'notifications.taskIds', 'a list of strings');
  if (taskIds.length > MAX_SUBSCRIBED_TASKS) {
    throw new RequestError(
      CODE.invalidParams,
      `Expected at most ${MAX_SUBSCRIBED_TASKS} \`taskIds\` in one subscription, got ${taskIds.length}`,
    );
  }
  const signal = new AbortController().signal;
  const found = [...new Set(taskIds)].map(taskId =>
    tasks.resolve(principal, taskId, { waitMs: 0, signal }).catch(() => undefined),
  );
  return (await Promise.all(found)).filter(record => record !== undefined);
}
