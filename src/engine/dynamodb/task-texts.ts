import { InvalidRecordError } from '../record-shape.js';
import { readStoredTask, unreadableRecord } from '../stored-task.js';
import type { TaskRecord } from '../task-record.js';
import type { DynamodbTable, ItemKey } from './dynamodb-table.js';
import type { TaskItem } from './task-item.js';

/** An item ends at 400 kB (DynamoDB, "Service quotas"); the rest is for its other attributes. */
const PART_BYTES = 350_000;
/** How many parts are under way at once. */
const AT_ONCE = 4;

export interface TextPlace {
  readonly pk: string;
  /** Names the text among the task's. */
  readonly name: string;
}

export interface LongText extends TextPlace {
  readonly text: string;
  /** Up to so many bytes, the text needs no items of its own. */
  readonly inlineBytes: number;
  /** Seconds since the epoch. */
  readonly removeAt: number;
}

/** Stores a text in as many items as it needs. What goes into the task's own item: the text, or the number of its parts. */
export async function keepText(
  table: DynamodbTable,
  { pk, name, text, inlineBytes, removeAt }: LongText,
): Promise<string | number> {
  const bytes = Buffer.from(text);
  if (bytes.length <= inlineBytes) return text;
  const count = Math.ceil(bytes.length / PART_BYTES);
  const indexes = Array.from({ length: count }, (_, index) => index);
  const putNext = async () => {
    for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
      const part = bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      await table.put({ fields: { ...partKey({ pk, name }, index), part, removeAt } });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, putNext));
  return count;
}

/** The text again. @throws InvalidRecordError when a part is missing */
export async function readText(
  table: DynamodbTable,
  { pk, name }: TextPlace,
  kept: string | number,
): Promise<string> {
  if (typeof kept === 'string') return kept;
  const parts: Uint8Array[] = [];
  const keys = '#pk = :pk AND begins_with(#sk, :name)';
  for await (const page of table.pages({ keys, values: { pk, name: `${name}#` } }))
    for (const { part } of page) if (part instanceof Uint8Array) parts.push(part);
  if (parts.length !== kept)
    throw new InvalidRecordError(`${kept - parts.length} of ${kept} parts are missing.`);
  return Buffer.concat(parts).toString();
}

function partKey({ pk, name }: TextPlace, index: number): ItemKey {
  return { pk, sk: `${name}#${String(index).padStart(6, '0')}` };
}

/** A record with its result or error, also where that is in items of its own. */
export async function readWholeRecord(
  table: DynamodbTable,
  item: TaskItem,
  endName: string,
): Promise<TaskRecord> {
  const { pk, result, error } = item;
  const place = { pk, name: endName };
  try {
    const texts = {
      ...(typeof result === 'number' ? { result: await readText(table, place, result) } : {}),
      ...(typeof error === 'number' ? { error: await readText(table, place, error) } : {}),
    };
    return readStoredTask({ ...item, ...texts });
  } catch (failure) {
    if (failure instanceof InvalidRecordError) return unreadableRecord(item);
    throw failure;
  }
}
