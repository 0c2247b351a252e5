import type { Command } from 'commander';
import type { PairProfile } from '../client/tools/pair-options.js';
import { UsageError } from './exit-code.js';
import { collect } from './flag-values.js';

/** Status words as flags tell of them. */
export interface WordFlags {
  readonly doneWord?: readonly string[];
  readonly failedWord?: readonly string[];
}

/** A pair of tools as flags tell of it. */
export interface PairFlags extends WordFlags {
  readonly statusTool?: string;
  readonly idArg?: string;
  readonly idKey?: string;
  readonly statusKey?: string;
  readonly resultKey?: string;
  readonly cancelTool?: string;
}

export function addWordFlags(command: Command): Command {
  return command
    .optionsGroup('Start/status pair, if it is not detected:')
    .option('--done-word <word>', 'status word that means completed, for any pair (repeatable)', collect)
    .option('--failed-word <word>', 'status word that means failed, for any pair (repeatable)', collect);
}

export function addPairFlags(command: Command): Command {
  return addWordFlags(command)
    .option('--status-tool <tool>', 'tool that reports the state of what the called tool starts')
    .option('--id-arg <argument>', 'argument of the status tool that takes the handle of the task')
    .option('--id-key <path>', 'path of the handle in the answer to the start (default: the usual places)')
    .option('--status-key <path>', 'path of the state in the status answer (default: the usual places)')
    .option('--result-key <path>', 'path of the result in the status answer (default: the whole answer)')
    .option('--cancel-tool <tool>', 'tool that cancels; takes the same argument');
}

/**
 * The profile that the flags describe; undefined where there are none.
 * @throws UsageError when half of the pair is missing
 */
export function pairOfFlags(tool: string, flags: PairFlags): PairProfile | undefined {
  const { statusTool, idArg, idKey, statusKey, resultKey, cancelTool } = flags;
  if (statusTool === undefined) {
    const others = { idArg, idKey, statusKey, resultKey, cancelTool };
    if (Object.values(others).some(value => value !== undefined))
      throw new UsageError('Flags that describe a pair of tools go with --status-tool and --id-arg.');
    return undefined;
  }
  if (idArg === undefined)
    throw new UsageError(
      `--status-tool ${statusTool} needs --id-arg, the argument that takes the task's handle.`,
    );
  return {
    name: 'told-by-flags',
    start: { tool, ...(idKey !== undefined && { handleAt: idKey }) },
    status: {
      tool: statusTool,
      handleArgument: idArg,
      ...(statusKey !== undefined && { statusAt: statusKey }),
      ...(resultKey !== undefined && { resultAt: resultKey }),
    },
    ...(cancelTool !== undefined && { cancel: { tool: cancelTool, handleArgument: idArg } }),
  };
}

/** What the flags say of status words, for whichever pair is used. */
export function wordsOfFlags({ doneWord = [], failedWord = [] }: WordFlags): PairProfile['words'] {
  return Object.fromEntries([
    ...doneWord.map(word => [word, 'completed'] as const),
    ...failedWord.map(word => [word, 'failed'] as const),
  ]);
}
