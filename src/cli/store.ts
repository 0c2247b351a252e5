import { AWS_PACKAGES } from '../engine/dynamodb/packages.js';
import { parseStoreUrl } from '../engine/store-url.js';
import { loadPeer } from '../load-peer.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { printLines } from './report.js';
import { tableLines } from './text-table.js';

export interface StoreFlags {
  readonly store?: string;
  readonly cloudformation?: boolean;
}

/** `mcp-await store create`: makes the table and queues of a store on DynamoDB, or prints their template. */
export async function store(flags: StoreFlags, io: CommandIo): Promise<number> {
  const url = flags.store ?? io.env.MCP_AWAIT_STATE_PROVIDER;
  if (url === undefined)
    throw new UsageError('Name the store that is to be made: --store dynamodb://TABLE?queue=QUEUE.');
  const location = parseStoreUrl(url);
  if (location.kind !== 'dynamodb')
    throw new UsageError(
      'Only a store on DynamoDB is made by this command: --store dynamodb://TABLE?queue=QUEUE. Every other store makes what it needs when it is opened.',
    );
  if (flags.cloudformation === true) {
    const { cloudformationTemplate } = await import('../engine/dynamodb/table.js');
    io.stdout.write(`${JSON.stringify(cloudformationTemplate(location), null, 2)}\n`);
    return ExitCode.completed;
  }
  const { createDynamodbStore } = await loadPeer(import('../engine/dynamodb/create-store.js'), {
    part: 'A store on DynamoDB',
    packages: AWS_PACKAGES,
  });
  const parts = await createDynamodbStore(location);
  printLines(
    io,
    tableLines(
      parts.map(({ name, isNew }) => [name, isNew ? 'made' : 'was there']),
      'left',
    ),
  );
  return ExitCode.completed;
}
