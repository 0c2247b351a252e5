import { InvalidArgumentError } from 'commander';
import { type StateWord, TASK_STATES } from '../engine/task-list.js';
import { parseDuration } from '../time/duration.js';

export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

export function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535)
    throw new InvalidArgumentError('Expected a port from 0 to 65535.');
  return number;
}

export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds === 0) {
    throw new InvalidArgumentError('Expected a duration such as 500ms, 30s, 5m or 2h.');
  }
  return milliseconds;
}

/** A limit, or `off`. */
export function orOff(parse: (text: string) => number): (text: string) => number | 'off' {
  return text => (text === 'off' ? text : parse(text));
}

export function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a positive integer.');
  return Number(text);
}

export function taskState(value: string, earlier: readonly StateWord[] = []): StateWord[] {
  const state = TASK_STATES.find(known => known === value);
  if (state === undefined) throw new InvalidArgumentError(`Expected one of ${TASK_STATES.join(', ')}.`);
  return [...earlier, state];
}
