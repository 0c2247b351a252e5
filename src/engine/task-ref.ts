import { randomBytes } from 'node:crypto';

const TASK_REF = /^task_([a-z][a-z0-9_]{0,63})_[0-9a-f]{32}$/;

/** A new reference of a task: the name of its operation and 128 random bits. */
export function newTaskRef(operation: string): string {
  return `task_${operation}_${randomBytes(16).toString('hex')}`;
}

/** The operation that a reference names; undefined when it is no reference. */
export function operationOf(taskRef: string): string | undefined {
  return TASK_REF.exec(taskRef)?.[1];
}
