import { tableLines } from '../../src/cli/text-table.js';
import { groupBy, type History, type Observation, type VictimKind } from './history.js';
import type { Violation } from './violations.js';

const NEAR_MS = 5000;
const MOST_SUBJECTS = 8;

export interface Figures {
  readonly history: History;
  /** How often a request had to be repeated, by reason. */
  readonly troubles: ReadonlyMap<string, number>;
  readonly vainStarts: number;
  readonly settledInMs: number;
}

/** The counts of one store, a line each. */
export function countLines({ history, troubles, vainStarts, settledInMs }: Figures): string[] {
  const { keys, runs, processEnds } = history;
  const tasks = lastByTask(history);
  const acknowledgements = [...keys.values()].reduce((sum, key) => sum + key.acknowledgements.length, 0);
  const calls = [...keys.values()].reduce((sum, key) => sum + key.calls, 0);
  const startsByTask = groupBy(
    runs.filter(({ event }) => event === 'started'),
    ({ taskRef }) => taskRef,
  );
  const starts = [...startsByTask.values()].map(({ length }) => length);
  const killsOf = (kind: VictimKind) => processEnds.filter(end => end.kind === kind && end.isKilled).length;
  const lost = tasks.filter(({ errorCode }) => errorCode === 'WORKER_LOST');
  const lostAlive = findLostAlive(history);
  const endings = [...groupBy(tasks, ending)].map(([name, { length }]) => [`  ${name}`, length] as const);
  const rows: (readonly [string, number])[] = [
    ['tasks acknowledged', tasks.length],
    ['  acknowledgements of a known key', acknowledgements - tasks.length],
    ['  calls, repeated ones included', calls],
    ...endings.toSorted(([one], [other]) => one.localeCompare(other)),
    ['  WORKER_LOST before any run', lost.filter(({ taskRef }) => !startsByTask.has(taskRef)).length],
    ['  WORKER_LOST though its worker lived', lostAlive.length],
    ['answers', history.observations.length],
    ['kills of fronts', killsOf('front')],
    ['kills of workers', killsOf('worker')],
    ['kills of the store', killsOf('store')],
    ['starts in vain', vainStarts],
    ['runs', starts.reduce((sum, count) => sum + count, 0)],
    ['  reruns', starts.reduce((sum, count) => sum + count - 1, 0)],
    ['longest time to terminal, ms', Math.max(0, ...tasks.map(({ ageMs }) => ageMs))],
    ['settled in, ms', Math.round(settledInMs)],
  ];
  const requests = [...troubles].toSorted(([, one], [, other]) => other - one);
  return tableLines([
    ...rows.map(([name, count]) => [name, String(count)]),
    ...requests.map(([reason, count]) => [`repeated: ${reason.slice(0, 80)}`, String(count)]),
  ]);
}

/** The broken promises, and below them all that is known about what they are about: for each task once. */
export function violationLines(violations: readonly Violation[], history: History): string[] {
  const subjects = groupBy(violations, ({ taskRef, key }) => taskRef ?? key ?? '');
  return [...subjects.values()].slice(0, MOST_SUBJECTS).flatMap(broken => {
    const { taskRef, key } = broken[0] as Violation;
    return [
      `${taskRef ?? ''} ${key ?? ''}`,
      ...broken.map(({ rule }) => `  ${rule}`),
      `  ${JSON.stringify(history.keys.get(key ?? '')?.task ?? {})}`,
      ...eventLines({ taskRef, key }, history),
    ];
  });
}

function eventLines({ taskRef, key }: Pick<Violation, 'taskRef' | 'key'>, history: History): string[] {
  const events: (readonly [number, string])[] = [];
  for (const { taskRef, front, at } of history.keys.get(key ?? '')?.acknowledgements ?? []) {
    events.push([at, `${front} acknowledged ${taskRef}`]);
  }
  for (const { event, pid, runId, at } of history.runs.filter(run => run.taskRef === taskRef)) {
    events.push([at, `process ${pid} ${event} run ${runId}`]);
  }
  for (const seen of history.observations.filter(observation => observation.taskRef === taskRef)) {
    const { tool, front, askedAt, at, status, errorCode = '', end = '' } = seen;
    events.push([at, `${tool} at ${front}, asked ${at - askedAt} ms before: ${status} ${errorCode} ${end}`]);
  }
  const times = events.map(([at]) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  for (const { name, pid, at, isKilled } of history.processEnds) {
    if (at < first - NEAR_MS || at > last + NEAR_MS) continue;
    events.push([at, `${isKilled ? 'killed' : 'ENDED BY ITSELF'}: ${name}, process ${pid ?? 'unknown'}`]);
  }
  return events
    .toSorted(([one], [other]) => one - other)
    .map(([at, text]) => `  ${new Date(at).toISOString()} ${text}`);
}

/**
 * Tasks that were given up although the process that ran them was not killed: no promise is broken, for a store that is
 * away for longer than a lock lasts lets go of all of them, but worth a look.
 */
export function findLostAlive(history: History): readonly Violation[] {
  const killed = new Set(history.processEnds.filter(({ isKilled }) => isKilled).map(({ pid }) => pid));
  const runs = groupBy(history.runs, ({ taskRef }) => taskRef);
  return lastByTask(history)
    .filter(({ errorCode, taskRef }) => {
      const pids = runs.get(taskRef)?.map(({ pid }) => pid) ?? [];
      return errorCode === 'WORKER_LOST' && pids.length > 0 && !pids.some(pid => killed.has(pid));
    })
    .map(({ taskRef }) => ({ rule: 'lost, but its worker lived', taskRef, key: undefined }));
}

/** What was said last of each task. */
function lastByTask({ finalObservations, observations }: History): readonly Observation[] {
  return [...new Map([...observations, ...finalObservations].map(seen => [seen.taskRef, seen])).values()];
}

function ending({ status, errorCode }: Observation): string {
  return status === 'failed' ? `failed: ${errorCode}` : status;
}
