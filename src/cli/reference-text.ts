import { parseReference } from '../client/reference.js';
import { bundledHandle, bundledTaskRef } from '../protocols/bundled-pair.js';
import { toolPair } from '../protocols/tool-pair.js';
import type { TaskReference } from '../types.js';
import { parseObject } from './arguments.js';
import { UsageError } from './exit-code.js';

/** A reference as a person copies it: the bare `task_ref` of the bundled server, JSON for every other. */
export function formatReference(reference: TaskReference): string {
  return bundledTaskRef(reference.handle) ?? JSON.stringify(reference);
}

/**
 * Reads what `formatReference` wrote.
 * @throws UsageError or ConfigurationError when it is none
 */
export function parseReferenceText(text: string): TaskReference {
  if (text.startsWith('{')) return parseReference(parseObject(text, 'The reference'));
  if (!/^[\w.:-]+$/.test(text))
    throw new UsageError(
      'A reference is a task_ref, an id of `mcp-await list`, the JSON of a reference, @file, or - for standard input.',
    );
  return {
    version: 1,
    protocol: toolPair.name,
    tool: 'initiate_background_task',
    handle: bundledHandle(text),
    startedAt: '',
  };
}
