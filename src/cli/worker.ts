import { startWorker } from '../server/index.js';
import { ExitCode } from './exit-code.js';
import type { OperationFlags, StoreFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { offeredOperations } from './offered-operations.js';
import { untilEnded } from './until-ended.js';

/** `mcp-await worker`: runs the tasks that servers without a worker of their own accept on the same store. */
export async function worker(flags: OperationFlags & StoreFlags, io: CommandIo): Promise<number> {
  const operations = await offeredOperations({ flags, nearestServers: true, io });
  const { store, concurrency, lease } = flags;
  const leaseSeconds = lease === undefined ? undefined : lease / 1000;
  const running = await startWorker({ operations, store, concurrency, leaseSeconds });
  io.stderr.write(`Working on ${operations.map(({ name }) => name).join(', ')}\n`);
  await untilEnded(running, io);
  return ExitCode.completed;
}
