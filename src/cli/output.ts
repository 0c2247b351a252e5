import type { Writable } from 'node:stream';
import { asStarted } from './command-name.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { terminalText } from './terminal-text.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space, or print to another place',
  EDQUOT: 'the disk quota is used up; free some space, or print to another place',
  EIO: 'the terminal or the disk has failed',
};

/** The streams of one command line, and what became of that which was printed. */
export interface Output {
  /** Standard error takes the control characters out of everything that is written to it, and names commands as this one was started. */
  readonly io: CommandIo;
  /** Waits until all is written. @returns the exit code, which tells where a completed command could not print its result */
  settle(exitCode: number): Promise<number>;
}

export function watchOutput(io: CommandIo): Output {
  let failure: NodeJS.ErrnoException | undefined;
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error;
  });
  // Nobody may read the messages any more; the work goes on.
  io.stderr.on('error', () => {});
  const stderr = cleaned(io.stderr, text => asStarted(terminalText(text), io));
  return {
    io: {
      argv: io.argv,
      // Looked at when they are used: Node opens the streams of a process then.
      get stdin() {
        return io.stdin;
      },
      stdout: io.stdout,
      stderr,
      terminal: io.stderr,
      env: io.env,
      cwd: () => io.cwd(),
      ...(io.pid !== undefined && { pid: io.pid, kill: (pid, signal) => io.kill?.(pid, signal) }),
      on: (signal, listener) => io.on(signal, listener),
      off: (signal, listener) => io.off(signal, listener),
    },
    async settle(exitCode) {
      await printed(io);
      if (failure === undefined) return exitCode;
      const isClosed = failure.code === 'EPIPE' || failure.code === 'ERR_STREAM_DESTROYED';
      const why = isClosed ? 'its reader has closed it' : (REASONS[failure.code ?? ''] ?? failure.message);
      stderr.write(`Standard output did not take everything that was printed: ${why} (${failure.code}).\n`);
      if (exitCode !== ExitCode.completed) return exitCode;
      return isClosed ? ExitCode.brokenPipe : ExitCode.unprinted;
    },
  };
}

/** Settles when everything that was printed has been taken; false when nobody takes it any more. */
export async function printed({ stdout, stderr }: CommandIo): Promise<boolean> {
  const written = (stream: Writable) =>
    new Promise<boolean>(settle => {
      stream.write('', error => settle(error === undefined || error === null));
    });
  const all = await Promise.all([written(stdout), written(stderr)]);
  return all.every(Boolean);
}

function cleaned<Stream extends Writable>(stream: Stream, clean: (text: string) => string): Stream {
  const write = (chunk: unknown, ...rest: unknown[]) =>
    Reflect.apply(stream.write, stream, [typeof chunk === 'string' ? clean(chunk) : chunk, ...rest]);
  return new Proxy(stream, {
    get(target, name) {
      if (name === 'write') return write;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
