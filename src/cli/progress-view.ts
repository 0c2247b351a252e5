import yoctoSpinner from 'yocto-spinner';
import type { AwaitEvent } from '../client/events.js';
import { messageOf } from '../client/failure.js';
import { formatDuration } from '../time/duration.js';
import { sleep } from '../time/sleep.js';
import { isEndStatus, type Snapshot } from '../types.js';
import { describeNotices, describeState } from './describe-state.js';
import type { CommandIo } from './io.js';
import { type NextStep, nextCommand } from './next-step.js';
import { progressLine } from './progress-line.js';

/** Shows on stderr how a task stands: a spinner on a terminal, a line for each new state in a pipe. */
export interface ProgressView {
  update(snapshot: Snapshot): void;
  /** Of all events, those that tell of the connection and of the next request are shown. */
  hear(event: AwaitEvent): void;
  /** Takes the spinner away until the answer is disposed. */
  pause(): Disposable;
  /** Takes the spinner away. */
  stop(): void;
}

/** The spinner's own sign and a space; and the last column, after which some terminals break the line. */
const SPINNER_COLUMNS = 3;

/** How old the line may be. */
const REFRESH_MS = 250;

const unpaused: Disposable = { [Symbol.dispose]() {} };
const silent: ProgressView = { update() {}, hear() {}, pause: () => unpaused, stop() {} };

export function progressView(tool: string, io: CommandIo, quiet: boolean): ProgressView {
  if (quiet) return silent;
  return canSpin(io) ? spinnerView(tool, io) : lineView(tool, io);
}

/** What a person should know of an event; undefined where that is nothing. */
export function describeEvent(tool: string, event: AwaitEvent): string | undefined {
  if (event.type === 'connection-lost') return `${tool}: reconnecting… (${messageOf(event.cause)})`;
  if (event.type === 'connection-restored')
    return `${tool}: connected again after ${formatDuration(event.lostForMs)}`;
  if (event.type === 'pair-detected' && event.hint !== undefined) return `${tool}: ${event.hint}`;
  return undefined;
}

/** The spinner writes a line for each change where it cannot draw. */
function canSpin({ stderr, env }: CommandIo): boolean {
  return stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;
}

function lineView(tool: string, io: CommandIo): ProgressView {
  let last = '';
  const newNotices = noticeFilter(tool);
  return {
    update(snapshot) {
      // The message of an end is that of its result, which is printed too.
      const { message: _message, ...ended } = snapshot;
      const line = describeState(tool, isEndStatus(snapshot.status) ? ended : snapshot);
      const lines = [...(line === last ? [] : [line]), ...newNotices(snapshot)];
      for (const each of lines) io.stderr.write(`${each}\n`);
      last = line;
    },
    hear(event) {
      const line = describeEvent(tool, event);
      if (line !== undefined) io.stderr.write(`${line}\n`);
    },
    pause: () => unpaused,
    stop() {},
  };
}

/** The notices that were not there before. */
function noticeFilter(tool: string): (snapshot: Snapshot) => readonly string[] {
  let last: readonly string[] = [];
  return snapshot => {
    const before = last;
    last = describeNotices(tool, snapshot);
    return last.filter(notice => !before.includes(notice));
  };
}

function spinnerView(tool: string, io: CommandIo): ProgressView {
  const begunAt = performance.now();
  let snapshot: Pick<Snapshot, 'status' | 'message' | 'progress'> = { status: 'working' };
  let step: NextStep | undefined;
  const line = () => {
    const now = performance.now();
    const next = step?.kind === 'request' ? { kind: step.kind, inMs: step.dueAt - now } : step;
    const columns = (io.stderr.columns || 80) - SPINNER_COLUMNS;
    return progressLine({ tool, snapshot, elapsedMs: now - begunAt, next }, columns);
  };
  const stream = (io.terminal ?? io.stderr) as NodeJS.WriteStream;
  const spinner = yoctoSpinner({ stream, handleSignals: false }).start(line());
  const stopped = new AbortController();
  let pauses = 0;
  const newNotices = noticeFilter(tool);
  const tick = async () => {
    while (!stopped.signal.aborted) {
      // To set the text draws it.
      if (pauses === 0) spinner.text = line();
      await sleep(REFRESH_MS, stopped.signal).catch(() => {});
    }
  };
  void tick();
  return {
    update(latest) {
      snapshot = latest;
      const notices = newNotices(latest);
      if (notices.length === 0) return;
      spinner.clear();
      for (const notice of notices) stream.write(`${notice}\n`);
    },
    hear(event) {
      step = nextCommand(step, event, performance.now());
      if (event.type !== 'pair-detected' || event.hint === undefined) return;
      spinner.clear();
      stream.write(`${describeEvent(tool, event)}\n`);
    },
    pause() {
      pauses++;
      spinner.stop();
      return {
        [Symbol.dispose]() {
          pauses--;
          if (pauses === 0 && !stopped.signal.aborted) spinner.start(line());
        },
      };
    },
    stop() {
      stopped.abort();
      spinner.stop();
    },
  };
}
