import { signalGroup } from '../client/stdio/process-group.js';
import { sleep } from '../time/sleep.js';
import { ExitCode } from './exit-code.js';

/** How long a server may take to end when its input has ended, and again when it is asked to end. */
const GRACE_MS = 2000;
const LOOK_AGAIN_MS = 100;

/** `mcp-await end-server`, which no person runs: ends a server, with all that it has started, that its command has left. */
export async function endServer(pid: number): Promise<number> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const endsAt = performance.now() + GRACE_MS;
    while (performance.now() < endsAt) {
      if (!signalGroup({ pid }, 0)) return ExitCode.completed;
      await sleep(LOOK_AGAIN_MS);
    }
    signalGroup({ pid }, signal);
  }
  return ExitCode.completed;
}
