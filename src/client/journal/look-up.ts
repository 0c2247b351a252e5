import type { ToolPlan } from '../../protocols/protocol.js';
import { untilAborted } from '../../time/signals.js';
import type { ToolCall } from '../../types.js';
import type { RunContext } from '../run-context.js';
import type { Known } from './journal.js';

/** Writes a call down before it is sent, or finds what the journal knows of it. @throws the signal's reason */
export async function lookUp(
  { journal, call: options }: RunContext,
  { call, plan, signal }: { readonly call: ToolCall; readonly plan: ToolPlan; readonly signal: AbortSignal },
): Promise<Known | undefined> {
  if (journal === undefined) return undefined;
  // Not the key that the client made up: that names no call of another process.
  const { idempotencyKey } = options;
  const { protocol, idempotent } = plan;
  const looking = journal.begin({ call, protocol: protocol.name, idempotencyKey, idempotent, signal });
  return untilAborted(looking, signal);
}
