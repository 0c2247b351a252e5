import { CommanderError } from 'commander';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { buildProgram } from './program.js';

/** Runs one command line and returns its exit code. */
export async function main(io: CommandIo): Promise<number> {
  const words = io.argv.slice(2);
  const dashes = words.indexOf('--');
  const [own, serverCommand] = dashes < 0 ? [words, []] : [words.slice(0, dashes), words.slice(dashes + 1)];
  let exitCode: number = ExitCode.completed;
  const program = buildProgram(io, serverCommand, code => {
    exitCode = code;
  });
  try {
    await program.parseAsync(own, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.completed : ExitCode.usage;
    const { errorFacts, exitCodeOfError } = await import('./error-report.js');
    io.stderr.write(`${errorFacts(error).message}\n`);
    return exitCodeOfError(error);
  }
}
