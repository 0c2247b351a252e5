import type { ChildProcess } from 'node:child_process';
import spawn from 'cross-spawn';
import { HAS_GROUPS } from './process-group.js';

export interface StartOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** A command with pipes for its standard streams, on Windows also one that is a script. */
export function startProcess({ command, args, env, cwd }: StartOptions): ChildProcess {
  return spawn(command, [...args], {
    env: { ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: HAS_GROUPS,
    windowsHide: true,
    ...(cwd !== undefined && { cwd }),
  });
}
