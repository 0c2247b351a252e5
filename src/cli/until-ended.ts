import type { CommandIo } from './io.js';

/** How long running tasks may go on after SIGINT or SIGTERM. */
const GRACE_MS = 10_000;

/** A server or a worker. */
export interface LongRunning {
  readonly ended: Promise<void>;
  close(graceMs?: number): Promise<void>;
}

/** Until it ends by itself, or a signal asks it to; a second signal does not wait. */
export async function untilEnded(running: LongRunning, io: CommandIo): Promise<void> {
  let closing: Promise<void> | undefined;
  const stop = () => {
    closing = running.close(closing === undefined ? GRACE_MS : 0);
  };
  io.on('SIGINT', stop);
  io.on('SIGTERM', stop);
  try {
    await running.ended;
    await closing;
  } finally {
    io.off('SIGINT', stop);
    io.off('SIGTERM', stop);
  }
}
