import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { AwaitClientOptions } from '../options.js';
import { identityOf } from './identify.js';
import { Journal } from './journal.js';
import { resolveJournalOptions } from './options.js';

/** The journal that the options ask for, whose failures are events. @throws ConfigurationError */
export function openJournal(
  sdkClient: Client,
  { journal, onEvent }: AwaitClientOptions,
): Journal | undefined {
  const options = resolveJournalOptions(journal);
  if (options === undefined) return undefined;
  return new Journal({
    ...options,
    identity: () => identityOf(sdkClient, options.server),
    onFailure: error => onEvent?.({ type: 'journal-failed', error }),
  });
}
