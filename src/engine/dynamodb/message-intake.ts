import { isInvalid } from '../record-shape.js';
import { readStoredTask } from '../stored-task.js';
import { isEnded } from '../task-record.js';
import type { EngineParts } from './engine-options.js';
import { MAX_RECEIVE_COUNT } from './table.js';
import type { TaskItem } from './task-item.js';
import type { TaskMessage, TaskQueue } from './task-queue.js';

export interface IntakeContext extends EngineParts {
  /** A task that is due so soon is taken in. */
  readonly heldMs: number;
  /** Whether this worker runs the task, or is about to. */
  readonly isHere: (taskRef: string) => boolean;
  /** Whether a message of the task has been taken in. */
  readonly isHeld: (taskRef: string) => boolean;
  readonly remove: (message: TaskMessage) => void;
}

interface Received {
  readonly message: TaskMessage;
  readonly taskRef: string;
  /** Undefined where the task has expired. */
  readonly item: TaskItem | undefined;
}

export interface ReceivedTask extends Received {
  readonly item: TaskItem;
}

/** Other workers have so many chances to take what this one cannot run, before it is hidden from all for longer. */
const MAX_QUICK_RETURNS = 5;
const MAX_RETURN_MS = 60_000;

/** Decides about a message by how its task stands; the task where it waits to be claimed. */
export async function takeIn(context: IntakeContext, received: Received): Promise<TaskItem | undefined> {
  const { queue, times, heldMs, isHeld, remove } = context;
  const { message, taskRef, item } = received;
  if (item === undefined || isEnded(item)) {
    remove(message);
    return undefined;
  }
  if (isInvalid(readStoredTask(item))) {
    await failUnreadable(context, { message, taskRef, item });
    return undefined;
  }
  if (item.status === 'processing') return takeOver(context, { message, taskRef, item });
  const dueInMs = item.dueAt - Date.now();
  // It may be the same message: one is removed when its task has ended, and not before.
  if (isHeld(taskRef)) await queue.hide([message], times.hiddenMs);
  else if (dueInMs > heldMs) await queue.hide([message], Math.min(dueInMs, times.maxHiddenMs));
  else return item;
  return undefined;
}

/** The message of a task that runs came again: its worker is dead, or was slow to keep it hidden. */
async function takeOver(
  context: IntakeContext,
  { message, taskRef, item }: ReceivedTask,
): Promise<TaskItem | undefined> {
  const { queue, tasks, presence, times, instance, isHere, remove } = context;
  const { worker = '', runCount } = item;
  const isLost = worker === instance ? !isHere(taskRef) : await presence.isGone(worker);
  if (!isLost) {
    // The sweep finds this task, should its worker die.
    if (message.receiveCount > MAX_RECEIVE_COUNT / 2) remove(message);
    else await queue.hide([message], times.hiddenMs);
    return undefined;
  }
  const run = { taskRef, worker, runCount };
  const released = await tasks.releaseLost(run);
  if (released?.status === 'pending') return released;
  if (released === undefined) await queue.hide([message], 0);
  else await bury(context, { message, taskRef, item });
  return undefined;
}

/** Fails a task that cannot be read, and buries its message. */
export async function failUnreadable(
  context: IntakeContext,
  { message, taskRef, item }: ReceivedTask,
): Promise<void> {
  await context.tasks.failInvalid(taskRef);
  await bury(context, { message, taskRef, item });
}

async function bury({ queue, remove }: IntakeContext, { message, taskRef }: Received): Promise<void> {
  await queue.bury(taskRef).catch(() => {});
  remove(message);
}

/** Shows a message that this worker cannot run to others: the more often it came, the later. */
export async function giveBackForeign(queue: TaskQueue, message: TaskMessage): Promise<void> {
  const returns = message.receiveCount - MAX_QUICK_RETURNS;
  const hiddenMs = returns <= 0 ? 0 : Math.min(MAX_RETURN_MS, 1000 * 2 ** Math.min(returns, 6));
  await queue.giveBack(message, hiddenMs);
}
