import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { AwaitAbortedError, AwaitTimeoutError } from '../errors.js';
import { formatDuration } from '../time/duration.js';
import { sleep } from '../time/sleep.js';
import { watchInterrupts } from './interrupts.js';
import type { CommandIo } from './io.js';
import { shownId, withJobs } from './jobs.js';

const LOOK_AGAIN_MS = 250;

/** Whether another process alone can ask the server of a job, because the server would not outlive it. */
export function isHeldJob({ state, claimUntil }: JournalRecord): boolean {
  return state === 'running' && claimUntil > Date.now();
}

/**
 * What the journal says of a job once no other process holds it.
 * @throws AwaitTimeoutError after `timeoutMs`; AwaitAbortedError at a Ctrl-C
 */
export async function onceReleased(
  held: JournalRecord,
  timeoutMs: number,
  io: CommandIo,
): Promise<JournalRecord> {
  using interrupts = watchInterrupts(io);
  const { tool, reference, id } = held;
  const endsAt = performance.now() + timeoutMs;
  for (let record = held; ; ) {
    if (!isHeldJob(record)) return record;
    const facts = { tool, reference };
    // The server's last sentence, and what was odd about the wait.
    const heard = record.message === undefined ? '' : `Last heard of it: ${record.message} `;
    const goesOn = `Its server is kept until it has ended: \`mcp-await wait ${shownId(id)}\` picks it up again.`;
    if (performance.now() > endsAt)
      throw new AwaitTimeoutError(
        `Gave up on \`${tool}\` after ${formatDuration(timeoutMs)} (--timeout). ${heard}${goesOn}`,
        { ...facts, budget: 'deadline' },
      );
    await sleep(LOOK_AGAIN_MS, interrupts.first).catch(() => {
      throw new AwaitAbortedError(`The wait for \`${tool}\` was interrupted. ${goesOn}`, facts);
    });
    record = (await withJobs(io, journal => journal.findByPrefix(id)))?.[0] ?? record;
  }
}

/** Whoever holds the job looks there. */
function cancelFile(id: string, io: CommandIo): string {
  return join(dirname(defaultJournalFile(io.env)), `cancel-${id}`);
}

/** Asks the process that holds a job to cancel it. */
export async function requestCancel({ id }: JournalRecord, io: CommandIo): Promise<void> {
  await fs.promises.writeFile(cancelFile(id, io), '', { mode: 0o600 });
}

/** Whether somebody has asked to cancel a job since this was asked last. */
export async function takeCancelRequest(id: string, io: CommandIo): Promise<boolean> {
  return await fs.promises.rm(cancelFile(id, io)).then(
    () => true,
    () => false,
  );
}
