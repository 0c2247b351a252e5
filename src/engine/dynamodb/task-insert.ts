import type { Submission } from '../engine.js';
import { StoreFailure } from '../store-failure.js';
import { type NewTask, newStoredTask, type TaskRecord } from '../task-record.js';
import type { DynamodbTable, Fields, Written } from './dynamodb-table.js';
import { createdKey, removalTime, type TaskKeys } from './task-item.js';
import { keepText } from './task-texts.js';

/** Longer parameters are in items of their own: each change of a task's item is paid by the size of the item. */
const MAX_INLINE_BYTES = 1024;

export interface InsertContext {
  readonly table: DynamodbTable;
  readonly keys: TaskKeys;
  readonly find: (taskRef: string) => Promise<TaskRecord | undefined>;
}

/** Stores a task, and its idempotency key with it; `front` is the engine that is to send its message. */
export async function insertTask(
  { table, keys, find }: InsertContext,
  { task, front }: { readonly task: NewTask; readonly front: string },
): Promise<Submission> {
  const { taskRef, owner, operation, idempotencyKey } = task;
  const createdAt = Date.now();
  const { record, delayMs, ttlMs, inputTimeoutMs, parameters: text } = newStoredTask(task, createdAt);
  const { parametersDigest, expiresAt, slaMs, retryAttempts, webhookUrl } = record;
  // What bounds the life of a task: each of its runs, and the wait for it. Twice that is never too short.
  const runMs = ttlMs + slaMs + inputTimeoutMs;
  const removeAt = removalTime(createdAt + 2 * (delayMs + (retryAttempts + 1) * runMs + ttlMs));
  const key = keys.task(taskRef);
  const long = { pk: key.pk, name: 'parameters', text, removeAt };
  const parameters = await keepText(table, { ...long, inlineBytes: MAX_INLINE_BYTES });
  const fields = {
    ...key,
    sk: 'task',
    status: 'pending',
    version: 1,
    owner,
    ...{ parametersDigest, createdAt, updatedAt: createdAt, expiresAt, dueAt: createdAt + delayMs },
    ...{ slaMs, ttlMs, inputTimeoutMs, retryAttempts, runCount: 0, excusedRuns: 0, waitedMs: 0 },
    ...{ front, webhookUrl, parameters, removeAt: removalTime(expiresAt) },
    statePartition: keys.statePartition('unfinished', taskRef),
    ownerPartition: keys.ownerPartition(owner, taskRef),
    createdKey: createdKey(createdAt, taskRef),
  } as const;
  const put = { fields, condition: 'attribute_not_exists(#pk)' };
  if (idempotencyKey === undefined) {
    assertStored(await table.put(put), fields);
    return { record, created: true };
  }
  const keyItem = { ...keys.idempotency(owner, operation, idempotencyKey), taskRef, removeAt };
  let free = { condition: 'attribute_not_exists(#pk)', values: {} as Fields };
  for (;;) {
    const [stored, keyStored] = await table.putTogether([put, { fields: keyItem, ...free }]);
    const holder = keyStored?.isDone === false ? String(keyStored.item?.taskRef ?? '') : taskRef;
    if (holder === taskRef) {
      assertStored(stored, fields);
      return { record, created: true };
    }
    const earlier = await find(holder);
    if (earlier !== undefined) return { record: earlier, created: false };
    // The task of the key has expired.
    free = { condition: 'attribute_not_exists(#pk) OR #taskRef = :holder', values: { holder } };
  }
}

/** A put whose answer was lost, and that was made again, finds itself. */
function assertStored(written: Written | undefined, fields: Fields): void {
  if (written?.isDone !== false) return;
  const { front, createdAt, parametersDigest } = written.item ?? {};
  const isSame =
    front === fields.front && createdAt === fields.createdAt && parametersDigest === fields.parametersDigest;
  if (!isSame) throw new StoreFailure('The store has a task with this reference.');
}
