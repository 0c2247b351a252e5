import { parseReference } from '../client/call/reference.js';
import { operationOf } from '../engine/task-ref.js';
import { handleOfTaskRef, taskRefOf } from '../protocols/pairs/task-ref.js';
import { toolPair } from '../protocols/tool-pair.js';
import type { TaskReference } from '../types.js';
import { parseObject } from './arguments.js';
import { UsageError } from './exit-code.js';
import { jsonText } from './terminal-text.js';

/** What needs no quotes in a shell, and is no flag. */
const BARE = /^\w[\w.:-]*$/;

/** A reference as a person copies it, in one line: the bare `task_ref` of the bundled server, JSON for every other. */
export function formatReference(reference: TaskReference): string {
  const taskRef = taskRefOf(reference.handle);
  return taskRef !== undefined && BARE.test(taskRef) ? taskRef : jsonText(reference);
}

/** Whether a text has the form of a `task_ref` that the bundled server gives. */
export function isOwnTaskRef(text: string): boolean {
  return operationOf(text) !== undefined;
}

/**
 * Reads what `formatReference` wrote.
 * @throws UsageError or ConfigurationError when it is none
 */
export function parseReferenceText(text: string): TaskReference {
  if (text.startsWith('{')) return parseReference(parseObject(text, 'The reference'));
  if (!BARE.test(text))
    throw new UsageError(
      'A reference is a task_ref, an id of `mcp-await list`, the JSON of a reference, @file, or - for standard input.',
    );
  return {
    version: 1,
    protocol: toolPair.name,
    tool: 'initiate_background_task',
    handle: handleOfTaskRef(text),
    startedAt: '',
  };
}
