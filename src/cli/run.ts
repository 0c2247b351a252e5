import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { AwaitClient } from '../client/await-client.js';
import { dataOf, isThere } from '../protocols/pair/answer-data.js';
import { similarName } from '../similar-name.js';
import { readArguments } from './arguments.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { ServerFlags, WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { type PairFlags, pairOfFlags, wordsOfFlags } from './pair-flags.js';
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
  const pair = pairOfFlags(toolName, flags);
  const pairs = pair === undefined ? [] : [pair];
  return withClient(
    { ...flags, pairs, words: wordsOfFlags(flags) },
    command,
    io,
    async ({ client, server, interrupts, settings, view }) => {
      const { awaitJob, goesOn, leaveJob } = await import('./await-job.js');
      view.step('asking for the list of tools');
      const tool = await findTool(client, toolName, flags);
      const call = { name: toolName, arguments: await readArguments(flags.args, flags.arg ?? [], tool, io) };
      view.task(toolName, 0);
      const task = await client.startTool(call, {
        ...waitOptionsOf(settings),
        signal: interrupts.second,
        idempotencyKey: flags.idempotencyKey,
        onUpdate: snapshot => view.update(snapshot),
      });
      const output = {
        io,
        json: flags.json === true,
        quiet: flags.quiet === true,
        server,
        client,
        settings,
      };
      if (flags.detach === true && (await goesOn(task, output, interrupts))) {
        view.stop();
        return leaveJob(task, output);
      }
      const code = await awaitJob(task, { ...output, view, interrupts, onInterrupt: flags.onInterrupt });
      if (code === ExitCode.completed && lacksResultAt(flags.resultKey, task.snapshot.raw))
        io.stderr.write(
          `The last answer about the task has nothing at \`${flags.resultKey}\` (--result-key): the result is the whole answer.\n`,
        );
      return code;
    },
  );
}

function lacksResultAt(path: string | undefined, answer: unknown): boolean {
  return path !== undefined && !isThere(dataOf(answer as CallToolResult), path);
}

async function findTool(client: AwaitClient, name: string, { detach }: RunFlags): Promise<Tool> {
  const tools = await client.explainTools();
  const found = tools.find(({ tool }) => tool === name);
  if (found === undefined) {
    const names = tools.map(({ tool }) => tool);
    const nearest = similarName(name, names);
    const guess = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
    const hint = names.length === 0 ? '' : `${guess} It has: ${names.join(', ')}.`;
    throw new UsageError(`The server has no tool \`${name}\`.${hint}`);
  }
  if (detach && found.protocol === 'sync' && found.found === undefined) {
    throw new UsageError(
      `\`${name}\` is synchronous: its work ends with the call, so --detach would lose it.`,
    );
  }
  return found.definition;
}
