import { randomFillSync } from 'node:crypto';

const TASK_REF = /^task_([a-z][a-z0-9_]{0,63})_[0-9a-f]{32}$/;

const REF_BYTES = 16;

/** Random bytes for many references: asking for a few at a time is ten times as slow. */
const random = Buffer.alloc(REF_BYTES * 256);
let usedBytes = random.length;

/** A new reference of a task: the name of its operation and 128 random bits. */
export function newTaskRef(operation: string): string {
  return `task_${operation}_${randomHex()}`;
}

function randomHex(): string {
  if (usedBytes === random.length) {
    randomFillSync(random);
    usedBytes = 0;
  }
  usedBytes += REF_BYTES;
  return random.toString('hex', usedBytes - REF_BYTES, usedBytes);
}

/** The operation that a reference names; undefined when it is no reference. */
export function operationOf(taskRef: string): string | undefined {
  return TASK_REF.exec(taskRef)?.[1];
}
