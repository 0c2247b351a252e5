import type { Connections } from './connections.js';
import { sleepCall } from './work.js';

const STARTS = 50;

/**
 * Starts tasks of no length through connections to a server that has just been started: what a fresh process takes to
 * load and compile its code is nothing that its later callers wait for.
 */
export async function warmUp(connections: Connections): Promise<void> {
  const starts = Array.from({ length: STARTS }, async (_, index) => {
    const task = await connections.of(index).startTool(sleepCall(0));
    task.detach();
  });
  await Promise.all(starts);
}
