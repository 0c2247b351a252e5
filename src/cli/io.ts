import type { Readable, Writable } from 'node:stream';

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGTSTP' | 'SIGCONT';

/** What a command may use of its process; `process` itself is one. */
export interface CommandIo {
  readonly argv: readonly string[];
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    hasColors?(count: number, env: object): boolean;
  };
  /** Standard error itself, for what draws on a terminal. */
  readonly terminal?: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
  readonly pid?: number;
  kill?(pid: number, signal: 'SIGTSTP'): unknown;
  on(signal: Signal, listener: () => void): unknown;
  off(signal: Signal, listener: () => void): unknown;
}
