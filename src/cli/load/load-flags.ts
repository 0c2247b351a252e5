import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseStoreUrl } from '../../engine/store-url.js';
import { UsageError } from '../exit-code.js';
import { count, duration } from '../flag-values.js';
import { KEY_PREFIX_FLAG, type ServerFlags, SHARED_STORES } from '../flags.js';
import { givenFlags } from '../given-flags.js';
import { type LatencyRange, latencyRange } from './latency.js';

/** What `--restart` kills: all that were started but further workers, or the front alone. */
export type RestartScope = 'all' | 'front';

export interface LoadFlags extends ServerFlags {
  readonly tasks: number;
  readonly latency?: LatencyRange;
  readonly seed?: number;
  readonly tool?: string;
  readonly args?: string;
  readonly store?: string;
  readonly keyPrefix?: string;
  readonly concurrency?: number;
  readonly workers?: number;
  readonly restart?: RestartScope;
  /** Milliseconds, as the next ones. */
  readonly lease?: number;
  readonly timeout?: number;
  readonly initiateP99?: number;
  readonly longPoll?: boolean;
  readonly json?: boolean;
}

export function addLoadFlags(command: Command): Command {
  return command
    .option('--tasks <count>', 'tasks, started all at once', count, 50)
    .option(
      '--latency <range>',
      'how long each task takes, a duration or a range (default: 10s-15s)',
      latencyRange,
    )
    .option('--seed <number>', 'the same seed gives the same latencies (default: a random one)', wholeNumber)
    .option('--tool <name>', 'call this tool instead of the operation sleep')
    .option('--args <json>', 'arguments of --tool as a JSON object, @file, or - for standard input')
    .option('--store <url>', `${SHARED_STORES}, for the server that load starts (default: a temporary file)`)
    .option('--key-prefix <prefix>', KEY_PREFIX_FLAG)
    .option('--concurrency <count>', 'largest number of tasks at once in that server (default: all)', count)
    .option(
      '--workers <count>',
      'run the tasks in this many worker processes instead of in the server',
      count,
    )
    .addOption(
      new Option(
        '--restart [what]',
        'kill the server halfway and start it again: all (also one worker) or front',
      )
        .choices(['all', 'front'])
        .preset('all'),
    )
    .option('--long-poll', 'let the server hold its answers instead of polling at intervals')
    .option('--lease <duration>', "that server's lease (default: 30s, with --restart 5s)", duration)
    .option(
      '--timeout <duration>',
      'give up a task after this time (default: twice the expected time and a minute)',
      duration,
    )
    .option('--initial-interval <duration>', 'first interval between status requests (default: 1s)', duration)
    .option('--max-interval <duration>', 'longest interval between status requests (default: 30s)', duration)
    .option(
      '--initiate-p99 <duration>',
      'limit for the 99th percentile of starts in the verdict (default: 200ms)',
      duration,
    )
    .option('--json', 'print one JSON object, times in milliseconds');
}

const OF_OWN_SERVER = ['--store', '--key-prefix', '--concurrency', '--workers', '--lease'];

/** @throws UsageError when flags contradict each other */
export function checkLoadFlags(flags: LoadFlags, command: readonly string[]): void {
  const { store, workers, restart, latency, seed, tool, args } = flags;
  const isForeign = flags.url !== undefined || flags.server !== undefined || command.length > 0;
  if (isForeign && restart !== undefined) {
    throw new UsageError(
      '--restart kills only what load has started itself; leave the server out, or give --store.',
    );
  }
  const [stray] = givenFlags(flags, OF_OWN_SERVER);
  if (isForeign && stray !== undefined) {
    throw new UsageError(`${stray} is for the server that load starts when none is named.`);
  }
  if (tool === undefined && args !== undefined) throw new UsageError('--args goes with --tool.');
  if (tool !== undefined && (latency !== undefined || seed !== undefined)) {
    throw new UsageError('--latency and --seed are for the operation sleep, not for --tool.');
  }
  if (restart === 'front' && workers === undefined) {
    throw new UsageError('--restart front goes with --workers: without, the front runs the tasks itself.');
  }
  const inOneProcess = store !== undefined && parseStoreUrl(store).kind === 'memory';
  if (inOneProcess && (workers !== undefined || restart !== undefined)) {
    const flag = workers === undefined ? '--restart' : '--workers';
    throw new UsageError(`The store \`memory:\` lives and ends with one process: ${flag} needs another.`);
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}
