import { CommanderError } from 'commander';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { watchOutput } from './output.js';
import { buildProgram } from './program.js';

/** Runs one command line and returns its exit code. */
export async function main(process: CommandIo): Promise<number> {
  const output = watchOutput(process);
  let isProtocol = false;
  const exitCode = await runCommand(output.io, () => {
    isProtocol = true;
  });
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
    const program = buildProgram(io, serverCommand ?? [], {
      onExit: code => {
        exitCode = code;
      },
      onProtocol,
    });
    await program.parseAsync(own, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.completed : ExitCode.usage;
    const { errorFacts, exitCodeOfError } = await import('./error-report.js');
    io.stderr.write(`${errorFacts(error).message}\n`);
    return exitCodeOfError(error);
  }
}
