import type { CommandIo } from './io.js';

/** A server or a worker. */
export interface LongRunning {
  readonly ended: Promise<void>;
  close(graceMs?: number): Promise<void>;
}

/**
 * Until it ends by itself, or a signal asks it to; a second signal does not wait.
 * @param drainSeconds how long running tasks may go on after the first signal
 */
export async function untilEnded(running: LongRunning, drainSeconds: number, io: CommandIo): Promise<void> {
  let closing: Promise<void> | undefined;
  const stop = () => {
    closing = running.close(closing === undefined ? drainSeconds * 1000 : 0);
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
