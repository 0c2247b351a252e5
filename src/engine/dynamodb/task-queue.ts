import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { GroupedAdds } from '../grouped-adds.js';
import type { StoreCalls } from '../store-calls.js';
import { MAX_RECEIVE_COUNT } from './table.js';
import type { TaskKeys } from './task-item.js';

/** SQS' limits: of a batch, and of a delay. */
export const MAX_MESSAGES = 10;
const MAX_DELAY_SECONDS = 900;
/** The longest time that SQS hides a message. */
const MAX_HIDDEN_SECONDS = 43_200;

/** How long SQS waits for a message before it answers that there is none. */
const MIN_WAIT_SECONDS = 1;
const MAX_WAIT_SECONDS = 20;
/** How much later than that an answer may come. */
const ANSWER_MS = 4000;

/** A message that was received, and that is hidden from others for a while. */
export interface TaskMessage {
  /** Undefined for one of another installation. */
  readonly taskRef: string | undefined;
  readonly body: string;
  readonly handle: string;
  /** The owner's digest, by which SQS itself keeps one owner's backlog from delaying others ("fair queues"). */
  readonly group: string | undefined;
  readonly receiveCount: number;
}

/** A message as it is sent: nothing but what names the task. */
export interface NewMessage {
  readonly body: string;
  readonly group: string | undefined;
  readonly delayMs: number;
}

interface Entry {
  readonly message: NewMessage | TaskMessage;
  readonly seconds: number;
}

export interface TaskQueueOptions {
  readonly client: SQSClient;
  readonly calls: StoreCalls;
  readonly keys: TaskKeys;
  readonly url: string;
  /** Undefined where the queue has none. */
  readonly deadLetterUrl: string | undefined;
}

/** The queue of messages, each of which names a task. What comes together goes in batches. */
export class TaskQueue {
  readonly #options: TaskQueueOptions;
  readonly #sends: GroupedAdds<NewMessage>;
  readonly #removals: GroupedAdds<TaskMessage>;
  readonly #hidings: GroupedAdds<Entry>;
  readonly #waited = new AbortController();
  /** Grows while nothing comes: a worker without work asks 180 times an hour. */
  #waitSeconds = MIN_WAIT_SECONDS;

  constructor(options: TaskQueueOptions) {
    this.#options = options;
    const { client, calls, url: QueueUrl } = options;
    const grouped = <Job>(send: (entries: readonly Job[]) => Promise<readonly (string | undefined)[]>) =>
      new GroupedAdds<Job>(entries => calls.make(() => untilAllDone(entries, send)), {
        isRefusal: error => !calls.isAway((error as Error).cause),
        maxAtOnce: MAX_MESSAGES,
      });
    this.#sends = grouped(async messages => {
      const Entries = messages.map(({ body, group, delayMs }, index) => ({
        Id: String(index),
        MessageBody: body,
        MessageGroupId: group,
        DelaySeconds: Math.min(MAX_DELAY_SECONDS, Math.floor(delayMs / 1000)),
      }));
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      return Failed.map(({ Id }) => Id);
    });
    this.#removals = grouped(async messages => {
      const Entries = messages.map(({ handle }, index) => ({ Id: String(index), ReceiptHandle: handle }));
      const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      return Failed.filter(({ SenderFault }) => SenderFault !== true).map(({ Id }) => Id);
    });
    this.#hidings = grouped(async entries => {
      const Entries = entries.map(({ message, seconds }, index) => ({
        Id: String(index),
        ReceiptHandle: (message as TaskMessage).handle,
        VisibilityTimeout: seconds,
      }));
      const { Failed = [] } = await client.send(
        new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }),
      );
      // A message that is gone, or has been hidden for twelve hours, stays as it is.
      return Failed.filter(({ SenderFault }) => SenderFault !== true).map(({ Id }) => Id);
    });
  }

  async send(taskRef: string, { group, delayMs }: Omit<NewMessage, 'body'>): Promise<void> {
    await this.#sends.add({ body: this.#options.keys.address(taskRef), group, delayMs });
  }

  /** Waits for messages, and hides those that come. @throws what the SDK throws */
  async receive(max: number, hiddenMs: number): Promise<readonly TaskMessage[]> {
    const { client, keys, url } = this.#options;
    const command = new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: Math.max(1, Math.min(MAX_MESSAGES, max)),
      WaitTimeSeconds: this.#waitSeconds,
      VisibilityTimeout: hiddenSeconds(hiddenMs),
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId'],
    });
    const requestTimeout = this.#waitSeconds * 1000 + ANSWER_MS;
    const { Messages = [] } = await client.send(command, {
      abortSignal: this.#waited.signal,
      requestTimeout,
    });
    this.#waitSeconds =
      Messages.length > 0 ? MIN_WAIT_SECONDS : Math.min(MAX_WAIT_SECONDS, 2 * this.#waitSeconds);
    return Messages.map(message => toTaskMessage(message, keys));
  }

  /** Ends a long wait for messages, which has found none for seconds; a short one brings what is on its way. */
  endWait(): void {
    if (this.#waitSeconds > MIN_WAIT_SECONDS) this.#waited.abort();
  }

  /** Hides messages for so long from now on; for 0 ms: shows them at once. */
  async hide(messages: readonly TaskMessage[], hiddenMs: number): Promise<void> {
    const seconds = hiddenSeconds(hiddenMs);
    await Promise.all(messages.map(message => this.#hidings.add({ message, seconds })));
  }

  async remove(message: TaskMessage): Promise<void> {
    await this.#removals.add(message);
  }

  /** Shows a message again after so long; as a new one where it was received so often that SQS would give it up. */
  async giveBack(message: TaskMessage, hiddenMs: number): Promise<void> {
    if (message.receiveCount <= MAX_RECEIVE_COUNT / 2) return this.hide([message], hiddenMs);
    await this.#sends.add({ body: message.body, group: message.group, delayMs: hiddenMs });
    await this.remove(message);
  }

  /** Puts the task's reference into the dead-letter queue. */
  async bury(taskRef: string): Promise<void> {
    const { client, calls, keys, deadLetterUrl: QueueUrl } = this.#options;
    if (QueueUrl === undefined) return;
    const command = new SendMessageCommand({ QueueUrl, MessageBody: keys.address(taskRef) });
    await calls.make(() => client.send(command));
  }
}

/** Sends again what was not done, as long as something is; answers an id for each, as `GroupedAdds` wants it. */
async function untilAllDone<Job>(
  entries: readonly Job[],
  send: (entries: readonly Job[]) => Promise<readonly (string | undefined)[]>,
): Promise<readonly string[]> {
  let left = entries;
  while (left.length > 0) {
    const failed = await send(left);
    if (failed.length === left.length)
      throw Object.assign(new Error(`SQS did none of ${left.length} requests.`), {
        name: 'ServiceUnavailable',
      });
    left = failed.flatMap(id => left[Number(id)] ?? []);
  }
  return entries.map(() => '');
}

function toTaskMessage(
  { Body = '', ReceiptHandle = '', Attributes = {} }: Message,
  keys: TaskKeys,
): TaskMessage {
  return {
    taskRef: keys.taskRefOf(Body),
    body: Body,
    handle: ReceiptHandle,
    group: Attributes.MessageGroupId,
    receiveCount: Number(Attributes.ApproximateReceiveCount ?? 1),
  };
}

function hiddenSeconds(hiddenMs: number): number {
  return Math.min(MAX_HIDDEN_SECONDS, Math.max(0, Math.ceil(hiddenMs / 1000)));
}
