import { randomInt } from 'node:crypto';
import { formatDuration } from '../../time/duration.js';
import type { ToolCall } from '../../types.js';
import { parseObject } from '../arguments.js';
import type { CommandIo } from '../io.js';
import { readSource } from '../read-source.js';
import { type LatencyRange, latencyOf } from './latency.js';
import type { LoadFlags } from './load-flags.js';

/** What the tasks of a load test do. */
export interface Work {
  readonly calls: readonly ToolCall[];
  /** For people: `sleep, 10 s to 15 s each (seed 7)`. */
  readonly text: string;
  readonly seed: number | undefined;
  /** How long a task takes; undefined for a tool of which nobody knows. */
  readonly latency: LatencyRange | undefined;
}

const DEFAULT_LATENCY: LatencyRange = { leastMs: 10_000, mostMs: 15_000 };
const SEEDS = 2 ** 31;

/** @throws UsageError when `--args` is no JSON object */
export async function plannedWork(flags: LoadFlags, io: CommandIo): Promise<Work> {
  const { tasks, tool, args } = flags;
  if (tool !== undefined) {
    const given = args === undefined ? {} : parseObject(await readSource(args, '--args', io), '--args');
    const calls = Array.from({ length: tasks }, () => ({ name: tool, arguments: given }));
    return { calls, text: `the tool ${tool}`, seed: undefined, latency: undefined };
  }
  const { latency = DEFAULT_LATENCY, seed = randomInt(SEEDS) } = flags;
  const calls = Array.from({ length: tasks }, (_, index) => sleepCall(latencyOf(latency, seed, index)));
  const { leastMs, mostMs } = latency;
  const range = [...new Set([leastMs, mostMs])].map(formatDuration).join(' to ');
  return { calls, text: `sleep, ${range} each (seed ${seed})`, seed, latency };
}

/** A call that starts a task of the bundled server's operation `sleep`. */
export function sleepCall(latencyMs: number): ToolCall {
  const parameters = { seconds: latencyMs / 1000 };
  return { name: 'initiate_background_task', arguments: { operation_type: 'sleep', parameters } };
}
