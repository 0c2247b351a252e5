import { createHash } from 'node:crypto';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { DurationMemory, type DurationStore } from '../../pacing/duration-memory.js';
import { backoffPacer, LearningPacer, type Pacer } from '../../pacing/pacer.js';
import type { TaskReference } from '../../types.js';
import type { ServerTarget } from '../connect/transport.js';
import type { ResolvedWaitOptions } from '../options.js';

/** What is known of how long the tools of one server take. */
export interface KnownDurations {
  /** Says when to ask for the state of one task. */
  pacer(tool: string, wait: ResolvedWaitOptions, task: AwaitedTask): Pacer;
}

interface AwaitedTask {
  readonly reference: TaskReference;
  /** Whether this process has started it. */
  readonly fromStart: boolean;
}

/** Shared by every client of this process that was connected to a known target. */
const shared = new DurationMemory();
const targets = new WeakMap<Client, ServerTarget>();

/** Lets all clients that were connected to this target learn from each other. */
export function shareDurations(client: Client, target: ServerTarget): void {
  targets.set(client, target);
}

/**
 * Two servers may have the same name: a client that was connected by somebody else learns for itself alone.
 * @param journal remembers beyond this process
 */
export function knownDurations(client: Client, journal?: DurationStore): KnownDurations {
  const target = targets.get(client);
  const memory =
    target !== undefined && journal === undefined ? shared : new DurationMemory(target && journal);
  const place = target === undefined ? [] : placeOf(target);
  return {
    pacer: (tool, wait, { reference, fromStart }) => {
      if (wait.pacing === 'backoff') return backoffPacer(wait);
      const { name, version } = client.getServerVersion() ?? {};
      const named = JSON.stringify([name, version, ...place, tool]);
      const key = createHash('sha256').update(named).digest('base64url');
      const ageMs = Math.max(0, Date.now() - Date.parse(reference.startedAt) || 0);
      return new LearningPacer({ memory, key, pacing: wait, ageMs, fromStart });
    },
  };
}

/** Without what may be secret or differ from one connection to the next: user, password, query, headers. */
function placeOf(target: ServerTarget): readonly string[] {
  if (!('url' in target)) return [target.command, ...(target.args ?? [])];
  const { origin, pathname } = new URL(target.url);
  return [origin, pathname];
}
