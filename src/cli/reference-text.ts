import { parseReference } from '../client/reference.js';
import { bundledHandle, bundledTaskRef, toolPair } from '../protocols/tool-pair.js';
import type { TaskReference } from '../types.js';
import { parseObject, readSource } from './arguments.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

/** A reference as a person copies it: the bare `task_ref` of the bundled server, JSON for every other. */
export function formatReference(reference: TaskReference): string {
  return bundledTaskRef(reference.handle) ?? JSON.stringify(reference);
}

/**
 * Reads what `formatReference` wrote, also as `@file` or from standard input (`-`).
 * @throws UsageError or ConfigurationError when it is none
 */
export async function readReference(source: string, io: CommandIo): Promise<TaskReference> {
  const text = (await readSource(source, 'the reference', io)).trim();
  if (text.startsWith('{')) return parseReference(parseObject(text, 'The reference'));
  if (!/^[\w.:-]+$/.test(text))
    throw new UsageError(
      'A reference is a task_ref, the JSON of a reference, @file, or - for standard input.',
    );
  return {
    version: 1,
    protocol: toolPair.name,
    tool: 'initiate_background_task',
    handle: bundledHandle(text),
    startedAt: new Date().toISOString(),
  };
}
