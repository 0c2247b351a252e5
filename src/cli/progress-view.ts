import yoctoSpinner from 'yocto-spinner';
import type { AwaitEvent } from '../client/events.js';
import { messageOf } from '../client/faults/failure.js';
import { followProgress, fractionOf, type ProgressTrack, remainingMs } from '../pacing/progress-forecast.js';
import { formatDuration } from '../time/duration.js';
import { OnDispose } from '../time/on-dispose.js';
import { sleep } from '../time/sleep.js';
import { isEndStatus, type Snapshot } from '../types.js';
import { describeNotices, describeState } from './describe-state.js';
import type { CommandIo } from './io.js';
import { type NextStep, nextCommand } from './next-step.js';
import { progressLine, stepLine } from './progress-line.js';
import { canDraw, inSigns, showsUnicode } from './terminal.js';
import { widthOf } from './terminal-width.js';

/** Shows on stderr what is going on: a line that is drawn again and again on a terminal, a line for some changes in a pipe. */
export interface ProgressView {
  /** Shows what is done before there is a task, such as `connecting`; on a terminal only. */
  step(text: string): void;
  /** From now on shows a task. @param ageMs how long it has run; undefined where that is not known */
  task(tool: string, ageMs: number | undefined): void;
  update(snapshot: Snapshot): void;
  /** Of all events, those that tell of the connection and of the next request are shown. */
  hear(event: AwaitEvent): void;
  /** Takes the line away until the answer is disposed. */
  pause(): Disposable;
  /** Takes the line away for good. */
  stop(): void;
}

/** The spinner's own sign and a space. */
const SPINNER_COLUMNS = 2;
/** For the `^C` of a terminal, and the last column, after which some terminals break the line. */
const SPARE_COLUMNS = 3;

/** How old the line may be. */
const REFRESH_MS = 250;

const unpaused = new OnDispose(() => {});
const silent: ProgressView = {
  step() {},
  task() {},
  update() {},
  hear() {},
  pause: () => unpaused,
  stop() {},
};

export function progressView(io: CommandIo, quiet: boolean): ProgressView {
  if (quiet) return silent;
  return canDraw(io) ? drawnView(io) : lineView(io);
}

/** What a person should know of an event; undefined where that is nothing. */
export function describeEvent(tool: string, event: AwaitEvent): string | undefined {
  if (event.type === 'connection-lost') return `${tool}: reconnecting… (${messageOf(event.cause)})`;
  if (event.type === 'connection-restored')
    return `${tool}: connected again after ${formatDuration(event.lostForMs)}`;
  if (event.type === 'pair-detected' && event.hint !== undefined) return `${tool}: ${event.hint}`;
  return undefined;
}

/** A line that was written, and when. */
interface ToldState {
  readonly snapshot: Pick<Snapshot, 'status' | 'message' | 'progress'>;
  readonly at: number;
}

const MIN_LINE_INTERVAL_MS = 10_000;
const MIN_PERCENT_STEP = 5;

/** Whether a state is worth a line of a log: another status at once; 5 % or another message at most once in 10 seconds. */
export function isWorthLine(told: ToldState | undefined, { snapshot, at }: ToldState): boolean {
  if (told === undefined || told.snapshot.status !== snapshot.status) return true;
  if (at - told.at < MIN_LINE_INTERVAL_MS) return false;
  if (snapshot.message !== told.snapshot.message) return true;
  const percent = percentOf(snapshot);
  if (percent === undefined) return snapshot.progress?.progress !== told.snapshot.progress?.progress;
  return Math.abs(percent - (percentOf(told.snapshot) ?? 0)) >= MIN_PERCENT_STEP;
}

function percentOf({ progress }: Pick<Snapshot, 'progress'>): number | undefined {
  const fraction = progress && fractionOf(progress);
  return fraction === undefined ? undefined : Math.round(100 * fraction);
}

function lineView(io: CommandIo): ProgressView {
  let tool = '';
  let told: ToldState | undefined;
  let newNotices = noticeFilter('');
  const write = (line: string) => void io.stderr.write(`${line}\n`);
  return {
    step() {},
    task(name) {
      tool = name;
      newNotices = noticeFilter(name);
    },
    update(snapshot) {
      // The message of an end is that of its result, which is printed too.
      const { message: _message, ...ended } = snapshot;
      const shown = isEndStatus(snapshot.status) ? ended : snapshot;
      const state = { snapshot: shown, at: performance.now() };
      if (isWorthLine(told, state)) {
        write(describeState(tool, shown));
        told = state;
      }
      newNotices(snapshot).forEach(write);
    },
    hear(event) {
      const line = describeEvent(tool, event);
      if (tool !== '' && line !== undefined) write(line);
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

/** What the line on a terminal says. */
interface LineState {
  text(columns: number): string;
  update?(snapshot: Snapshot): void;
  hear?(event: AwaitEvent): void;
}

function stepState(step: string): LineState {
  const begunAt = performance.now();
  return { text: columns => stepLine(step, performance.now() - begunAt, columns) };
}

function taskState(tool: string, ageMs: number | undefined): LineState {
  const begunAt = performance.now() - (ageMs ?? 0);
  let snapshot: Pick<Snapshot, 'status' | 'message' | 'progress'> = { status: 'working' };
  let step: NextStep | undefined;
  let track: ProgressTrack | undefined;
  return {
    text(columns) {
      const now = performance.now();
      const elapsedMs = now - begunAt;
      const next = step?.kind === 'request' ? { kind: step.kind, inMs: step.dueAt - now } : step;
      // A task that was to have ended by now has no end that could be told.
      const leftMs = (track && remainingMs(track, elapsedMs)) || undefined;
      return progressLine({ tool, snapshot, elapsedMs, leftMs, next }, columns);
    },
    update(latest) {
      snapshot = latest;
      const fraction = latest.progress && fractionOf(latest.progress);
      if (fraction === undefined) return;
      const point = { elapsedMs: performance.now() - begunAt, fraction };
      // What was done before is no measure of the speed where nobody knows in which time.
      const isUnknown = track === undefined && ageMs === undefined;
      track = isUnknown ? { from: point, first: point, last: point } : followProgress(track, point);
    },
    hear(event) {
      step = nextCommand(step, event, performance.now());
    },
  };
}

const ASCII_SPINNER = { frames: ['-', '\\', '|', '/'], interval: 120 };

function drawnView(io: CommandIo): ProgressView {
  const stream = (io.terminal ?? io.stderr) as NodeJS.WriteStream;
  let tool = '';
  let state: LineState | undefined;
  let newNotices = noticeFilter('');
  let drawn = '';
  const line = () => {
    drawn = inSigns(state?.text((io.stderr.columns || 80) - SPINNER_COLUMNS - SPARE_COLUMNS) ?? '', io.env);
    return drawn;
  };
  const spinner = yoctoSpinner({
    stream,
    handleSignals: false,
    ...(!showsUnicode(io.env) && { spinner: ASCII_SPINNER }),
  });
  const stopped = new AbortController();
  let pauses = 0;
  const draw = () => {
    // To set the text draws it.
    if (pauses === 0 && spinner.isSpinning) spinner.text = line();
  };
  const show = () => {
    const isWanted = state !== undefined && !stopped.signal.aborted && pauses === 0;
    if (isWanted && !spinner.isSpinning) spinner.start(line());
  };
  const tick = async () => {
    while (!stopped.signal.aborted) {
      draw();
      await sleep(REFRESH_MS, stopped.signal).catch(() => {});
    }
  };
  const begin = (next: LineState) => {
    const isFirst = state === undefined;
    state = next;
    if (!isFirst) return draw();
    spinner.start(line());
    void tick();
  };
  // A terminal that became narrower has broken the line that stood there.
  const onResize = () => {
    if (!spinner.isSpinning) return;
    const rows = Math.ceil((widthOf(drawn) + SPINNER_COLUMNS) / (io.stderr.columns || 80));
    spinner.stop();
    if (rows > 1) {
      stream.moveCursor(0, 1 - rows);
      stream.clearScreenDown();
    }
    spinner.start(line());
  };
  // Ctrl-Z: the shell gets its cursor back, and the line comes again with the command.
  const onSuspend = () => {
    spinner.stop();
    io.off('SIGTSTP', onSuspend);
    if (io.pid !== undefined) io.kill?.(io.pid, 'SIGTSTP');
  };
  const onContinue = () => {
    io.on('SIGTSTP', onSuspend);
    show();
  };
  const stop = () => {
    stopped.abort();
    spinner.stop();
    stream.off('resize', onResize);
    io.off('SIGTSTP', onSuspend);
    io.off('SIGCONT', onContinue);
  };
  stream.on('resize', onResize);
  io.on('SIGTSTP', onSuspend);
  io.on('SIGCONT', onContinue);
  return {
    step: text => begin(stepState(text)),
    task(name, ageMs) {
      tool = name;
      newNotices = noticeFilter(name);
      begin(taskState(name, ageMs));
    },
    update(latest) {
      state?.update?.(latest);
      for (const notice of newNotices(latest)) io.stderr.write(`${notice}\n`);
    },
    hear(event) {
      state?.hear?.(event);
      if (event.type === 'pair-detected' && event.hint !== undefined)
        io.stderr.write(`${describeEvent(tool, event)}\n`);
    },
    pause() {
      pauses++;
      spinner.stop();
      return new OnDispose(() => {
        pauses--;
        show();
      });
    },
    stop,
  };
}
