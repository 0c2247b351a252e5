import type { CommanderError } from 'commander';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { watchOutput } from './output.js';
import { PLAIN_VERBS, plainCommand } from './plain-line.js';
import { showStart } from './terminal.js';

/** Runs one command line and returns its exit code. */
export async function main(process: CommandIo): Promise<number> {
  const words = process.argv.slice(2);
  const isPlain = PLAIN_VERBS.includes(words[0] ?? '');
  const eraseStart = isPlain ? () => {} : showStart(words, process);
  const output = watchOutput(process, { writesAtOnce: isPlain });
  let isProtocol = false;
  const exitCode = await runCommand(output.io, () => {
    isProtocol = true;
  });
  eraseStart();
  // A client that has gone reads no more of the protocol, which is no fault of the command.
  return isProtocol ? exitCode : output.settle(exitCode);
}

async function runCommand(io: CommandIo, onProtocol: () => void): Promise<number> {
  const words = io.argv.slice(2);
  const dashes = words.indexOf('--');
  const [own, serverCommand] =
    dashes < 0 ? [words, undefined] : [words.slice(0, dashes), words.slice(dashes + 1)];
  let exitCode: number = ExitCode.completed;
  try {
    if (serverCommand?.[0]?.trim() === '' || serverCommand?.length === 0)
      throw new UsageError(
        'There is no command after `--`: write the command that starts the server, or leave `--` out.',
      );
    const relay = await plainRelay(own, io);
    if (relay !== undefined) {
      onProtocol();
      return await relay();
    }
    const plain = serverCommand === undefined ? plainCommand(own, io) : undefined;
    if (plain !== undefined) return await plain();
    const { buildProgram } = await import('./program.js');
    const program = buildProgram(io, serverCommand ?? [], {
      onExit: code => {
        exitCode = code;
      },
      onProtocol,
    });
    await program.parseAsync(own, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (isCommanderError(error)) return error.exitCode === 0 ? ExitCode.completed : ExitCode.usage;
    const { errorFacts, exitCodeOfError } = await import('./error-report.js');
    const { printFailure } = await import('./end-line.js');
    printFailure(errorFacts(error).message, io);
    return exitCodeOfError(error);
  }
}

/** The relay of a server on the standard streams, where that is plain: its client waits for the first answer. */
async function plainRelay(
  words: readonly string[],
  io: CommandIo,
): Promise<(() => Promise<number>) | undefined> {
  if (words[0] !== 'serve' && words[0] !== 'proxy') return undefined;
  const { isBehindRelay, relayStdio } = await import('./stdio-relay.js');
  const { isPlainlyStdio } = await import('./config/choose-transport.js');
  return !isBehindRelay(io) && isPlainlyStdio(words, io) ? () => relayStdio(io) : undefined;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}
