import { ConfigurationError, OutcomeUnknownError } from '../../errors.js';
import type { JournalRecord } from './journal-record.js';

/** The key names a call with other arguments. */
export function keyTaken({ id, tool, idempotencyKey }: JournalRecord): ConfigurationError {
  return new ConfigurationError(
    `The idempotency key \`${idempotencyKey}\` already names a call of \`${tool}\` with other arguments (${id} in the journal). Give this call a key of its own.`,
    { tool },
  );
}

/** The call may have run, and neither the journal nor the server can tell what came of it. */
export function outcomeUnknown({
  id,
  tool,
  state,
  startedAt,
  isReadable,
}: JournalRecord): OutcomeUnknownError {
  const when = new Date(startedAt).toISOString();
  const why = !isReadable
    ? 'its record cannot be read'
    : state === 'starting'
      ? 'its process ended before the server had answered'
      : 'its result was too large for the journal';
  return new OutcomeUnknownError(
    `\`${tool}\` was called at ${when} (${id} in the journal), but ${why}: the job may or may not have run. Look before you call it again, with another key or after \`npx mcp-await forget ${id}\`.`,
    { tool },
  );
}
