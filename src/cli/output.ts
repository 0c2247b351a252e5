import { fstatSync, statSync, writeSync } from 'node:fs';
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

/**
 * @param writesAtOnce for a command that does nothing besides printing: to the process's own streams it writes without those of
 * Node, which take longer to load than the command takes to run
 */
export function watchOutput(io: CommandIo, { writesAtOnce = false } = {}): Output {
  let failure: NodeJS.ErrnoException | undefined;
  const used: Writable[] = [];
  const use = <Stream extends Writable>(stream: Stream, onError: (error: Error) => void): Stream => {
    stream.on('error', onError);
    used.push(stream);
    return stream;
  };
  const openStdout = onceOnly(() =>
    use(io.stdout, error => {
      failure ??= error;
    }),
  );
  // Nobody may read the messages any more; the work goes on.
  const openStderr = onceOnly(() => use(io.stderr, () => {}));
  const clean = (text: string) => asStarted(terminalText(text), io);
  const isDirect = writesAtOnce && io === process && process.platform !== 'win32';
  const stdout = isDirect ? lateStream(1, openStdout) : openStdout();
  const stderr = cleaned(isDirect ? lateStream(2, openStderr) : openStderr(), clean);
  return {
    io: {
      argv: io.argv,
      // Looked at when they are used: Node opens the streams of a process then.
      get stdin() {
        return io.stdin;
      },
      stdout,
      stderr,
      get terminal() {
        return openStderr();
      },
      env: io.env,
      cwd: () => io.cwd(),
      ...(io.pid !== undefined && { pid: io.pid, kill: (pid, signal) => io.kill?.(pid, signal) }),
      on: (signal, listener) => io.on(signal, listener),
      off: (signal, listener) => io.off(signal, listener),
    },
    async settle(exitCode) {
      await written(used);
      if (failure === undefined) return exitCode;
      const isClosed = failure.code === 'EPIPE' || failure.code === 'ERR_STREAM_DESTROYED';
      const why = isClosed ? 'its reader has closed it' : (REASONS[failure.code ?? ''] ?? failure.message);
      stderr.write(`Standard output did not take everything that was printed: ${why} (${failure.code}).\n`);
      if (exitCode !== ExitCode.completed) return exitCode;
      return isClosed ? ExitCode.brokenPipe : ExitCode.unprinted;
    },
  };
}

/** What only a stream to a terminal has. */
const OF_TERMINALS: readonly unknown[] = ['isTTY', 'columns', 'hasColors'];

/** A stream of this process that is opened when more is asked of it than to write, or when what it leads to takes no more. */
function lateStream<Stream extends Writable>(fd: number, open: () => Stream): Stream {
  let isOpen = false;
  const opened = () => {
    isOpen = true;
    return open();
  };
  const write = (chunk: unknown, ...rest: unknown[]) => {
    const left = !isOpen && typeof chunk === 'string' && rest.length === 0 ? writeAtOnce(fd, chunk) : chunk;
    return left === undefined || Reflect.apply(opened().write, open(), [left, ...rest]);
  };
  return new Proxy({} as Stream, {
    get(_, name) {
      if (name === 'write') return write;
      if (OF_TERMINALS.includes(name) && !mayBeTerminal(fd)) return undefined;
      return propertyOf(opened(), name);
    },
  });
}

/** A pipe, a file and the null device are no terminals. */
function mayBeTerminal(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isCharacterDevice() && status.rdev !== statSync('/dev/null', { throwIfNoEntry: false })?.rdev;
}

function onceOnly<Result>(make: () => Result): () => Result {
  let made: Result | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** @returns what could not be written, for the stream of Node to wait with, or to fail with */
function writeAtOnce(fd: number, text: string): Uint8Array | undefined {
  let left = Buffer.from(text);
  try {
    while (left.length > 0) left = left.subarray(writeSync(fd, left));
    return undefined;
  } catch {
    return left;
  }
}

/** Settles when everything that was printed has been taken; false when nobody takes it any more. */
export function printed({ stdout, stderr }: CommandIo): Promise<boolean> {
  return written([stdout, stderr]);
}

async function written(streams: readonly Writable[]): Promise<boolean> {
  const all = await Promise.all(
    streams.map(
      stream =>
        new Promise<boolean>(settle => {
          stream.write('', error => settle(error === undefined || error === null));
        }),
    ),
  );
  return all.every(Boolean);
}

function cleaned<Stream extends Writable>(stream: Stream, clean: (text: string) => string): Stream {
  const write = (chunk: unknown, ...rest: unknown[]) =>
    Reflect.apply(stream.write, stream, [typeof chunk === 'string' ? clean(chunk) : chunk, ...rest]);
  return new Proxy(stream, {
    get: (target, name) => (name === 'write' ? write : propertyOf(target, name)),
  });
}

function propertyOf(target: Writable, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}
