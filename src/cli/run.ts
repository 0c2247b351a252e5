import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { dataOf, isThere } from '../protocols/pair/answer-data.js';
import { readArguments } from './arguments.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { ServerFlags, WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { knownTool } from './known-tool.js';
import { type PairFlags, pairOfFlags, wordsOfFlags } from './pair-flags.js';
import { quote } from './shell-quote.js';
import { waitOptionsOf } from './wait-options.js';
import { withClient } from './with-client.js';

export interface RunFlags extends ServerFlags, WaitFlags, PairFlags {
  /** False with `--no-detect`. */
  readonly detect?: boolean;
  /** False with `--no-detect-actions`. */
  readonly detectActions?: boolean;
  readonly args?: string;
  readonly arg?: readonly string[];
  readonly idempotencyKey?: string;
  readonly detach?: boolean;
  /** False with `--no-journal`. */
  readonly journal?: boolean;
}

/** `mcp-await run`: calls a tool and prints its final result. */
export function run(
  toolName: string,
  flags: RunFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  if (flags.idempotencyKey === '')
    throw new UsageError('--idempotency-key is empty: name the job, such as --idempotency-key report-may.');
  const pair = pairOfFlags(toolName, flags);
  const pairs = pair === undefined ? [] : [pair];
  return withClient({ ...flags, pairs, words: wordsOfFlags(flags) }, command, io, async session => {
    const { client, server, interrupts, settings, view } = session;
    const { awaitJob, goesOn, leaveJob } = await import('./await-job.js');
    view.step('asking for the list of tools');
    const known = knownTool(await client.explainTools(), toolName, server, io);
    if (flags.detach === true && known.protocol === 'sync' && known.found === undefined)
      throw new UsageError(
        `\`${toolName}\` is synchronous: its work ends with the call, so --detach would lose it.`,
      );
    const tool = known.definition;
    const call = { name: toolName, arguments: await readArguments(flags.args, flags.arg ?? [], tool, io) };
    view.task(toolName, 0);
    const task = await client.startTool(call, {
      ...waitOptionsOf(settings),
      signal: interrupts.second,
      idempotencyKey: flags.idempotencyKey,
      onUpdate: snapshot => view.update(snapshot),
    });
    const wait = { ...session, flags, io };
    if (flags.detach === true && (await goesOn(task, wait))) {
      view.stop();
      return leaveJob(task, wait);
    }
    const code = await awaitJob(task, wait);
    const missing = (tool.inputSchema.required ?? []).filter(name => !Object.hasOwn(call.arguments, name));
    if (code === ExitCode.failed && missing.length > 0)
      io.stderr.write(
        `\`${toolName}\` was called without ${missing.map(name => `\`${name}\``).join(' and ')}, which it requires: \`mcp-await tools ${quote(toolName)}${server.words}\` shows how it is called.\n`,
      );
    if (code === ExitCode.completed && lacksResultAt(flags.resultKey, task.snapshot.raw))
      io.stderr.write(
        `The last answer about the task has nothing at \`${flags.resultKey}\` (--result-key): the result is the whole answer.\n`,
      );
    return code;
  });
}

function lacksResultAt(path: string | undefined, answer: unknown): boolean {
  return path !== undefined && !isThere(dataOf(answer as CallToolResult), path);
}
