import { type ChildProcess, spawn } from 'node:child_process';

/** Waits for the end of its standard input, and ends a process then. */
const LEASH = 'cat >/dev/null; kill -QUIT "$1" 2>/dev/null; sleep 1; kill -KILL "$1" 2>/dev/null';

/** Ends a child when this process ends, however it does: the pipe to the leash closes then, also after a SIGKILL. */
export function leash(child: ChildProcess): void {
  if (child.pid === undefined) return;
  // A group of its own: what ends ours leaves it.
  const holder = spawn('sh', ['-c', LEASH, 'leash', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  holder.unref();
  child.once('exit', () => {
    // The number may be another process's soon.
    if (holder.pid !== undefined) process.kill(-holder.pid, 'SIGKILL');
  });
}
