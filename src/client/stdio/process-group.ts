import { sleep } from '../../time/sleep.js';

/** Whether children get a process group of their own: what they start ends with them, and a Ctrl-C at our terminal passes them by. */
export const HAS_GROUPS = process.platform !== 'win32';

/** Signals a child and its process group; 0 is no signal and only looks. @returns whether any process was there */
export function signalGroup(
  { pid }: { readonly pid?: number | undefined },
  signal: NodeJS.Signals | 0,
): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(HAS_GROUPS ? -pid : pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** How long a server may take to end when its input has ended, and again when it is asked to end. */
export const GRACE_MS = 2000;
const LOOK_AGAIN_MS = 100;

/** Ends a process whose input has ended, with all that it has started: it is asked to end when it goes on, and then made to. */
export async function endGroup(pid: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const endsAt = performance.now() + GRACE_MS;
    while (performance.now() < endsAt) {
      if (!signalGroup({ pid }, 0)) return;
      await sleep(LOOK_AGAIN_MS);
    }
    signalGroup({ pid }, signal);
  }
}
