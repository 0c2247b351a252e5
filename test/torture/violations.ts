import { groupBy, type History, isTerminal, type Observation, type RunLine } from './history.js';
import { MOST_RUNS, type TortureTask } from './torture-task.js';

/** A promise that was broken. */
export interface Violation {
  readonly rule: string;
  /** What it is about; none where a process ended by itself. */
  readonly taskRef: string | undefined;
  readonly key: string | undefined;
}

/** Why a task may fail here. */
const EXPECTED_CODES = ['MADE_TO_FAIL', 'WORKER_LOST', 'SLA_EXCEEDED'];

/** All promises that were broken, as far as those who called and those who ran the tasks could tell. */
export function findViolations(history: History): readonly Violation[] {
  const taskOf = new Map<string, TortureTask>();
  for (const { task, acknowledgements } of history.keys.values()) {
    for (const { taskRef } of acknowledgements) taskOf.set(taskRef, task);
  }
  const runs = groupBy(history.runs, ({ taskRef }) => taskRef);
  const seen = groupBy(history.observations, ({ taskRef }) => taskRef);
  const finals = groupBy(history.finalObservations, ({ taskRef }) => taskRef);
  const ofTasks = [...taskOf].flatMap(([taskRef, task]) => {
    const last = finals.get(taskRef) ?? [];
    const rules = [
      ...brokenByRuns(task, runs.get(taskRef) ?? [], last),
      ...brokenByAnswers(seen.get(taskRef) ?? []),
      ...brokenInTheEnd(history.fronts, last),
    ];
    return rules.map(rule => ({ rule, taskRef, key: task.label }));
  });
  const strangers = [...runs.keys()].filter(taskRef => !taskOf.has(taskRef));
  return [
    ...ofTasks,
    ...strangers.map(taskRef => ({
      rule: 'ran, but no key was ever answered with it',
      taskRef,
      key: undefined,
    })),
    ...brokenByKeys(history),
    ...history.processEnds
      .filter(({ isKilled }) => !isKilled)
      .map(({ name, words }) => ({
        rule: `${name} ended by itself: ${words}`,
        taskRef: undefined,
        key: undefined,
      })),
  ];
}

function brokenByKeys({ keys }: History): Violation[] {
  return [...keys].flatMap(([key, { acknowledgements, refusals }]) => {
    const refs = [...new Set(acknowledgements.map(({ taskRef }) => taskRef))];
    const taskRef = refs[0];
    const rules = refusals.map(refusal => `the call was refused: ${refusal}`);
    if (refs.length === 0) rules.push('the call was never answered');
    if (refs.length > 1) rules.push(`the key has ${refs.length} tasks: ${refs.join(', ')}`);
    return rules.map(rule => ({ rule, taskRef, key }));
  });
}

function* brokenByRuns(task: TortureTask, runs: readonly RunLine[], finals: readonly Observation[]) {
  const { operation } = task;
  const starts = runs.filter(({ event }) => event === 'started').length;
  const ends = runs.filter(({ event }) => event === 'ended').length;
  if (starts > MOST_RUNS[operation]) yield `\`${operation}\` was started ${starts} times`;
  if (!finals.some(({ status }) => status === 'completed')) return;
  if (operation === 'once' && ends !== 1) yield `completed, but ${ends} runs reached their end`;
  if (operation === 'again' && ends === 0) yield 'completed, but no run reached its end';
}

function* brokenByAnswers(seen: readonly Observation[]) {
  const first = seen.filter(isTerminal).toSorted((one, other) => one.at - other.at)[0];
  for (const { tool, front, status, errorCode, end, isRight, askedAt } of seen) {
    const answer = `${tool} at ${front} answered ${status}`;
    if (status === 'refused') yield `${answer}: ${errorCode}`;
    if (!isRight) yield `${answer}, with another result than the task gives`;
    if (status === 'failed' && !EXPECTED_CODES.includes(errorCode ?? '')) yield `${answer}: ${errorCode}`;
    if (first === undefined) continue;
    if (end !== undefined && end !== first.end) yield `its end changed from ${first.end} to ${end}`;
    if (end === undefined && status !== 'refused' && askedAt > first.at) yield `${answer} after its end`;
  }
}

function* brokenInTheEnd(fronts: readonly string[], finals: readonly Observation[]) {
  for (const front of fronts) {
    const last = finals.find(final => final.front === front);
    if (last === undefined) yield `${front} was not asked for it in the end`;
    else if (!isTerminal(last)) yield `in the end, it is ${last.status} at ${front}`;
  }
}
