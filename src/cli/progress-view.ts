import yoctoSpinner from 'yocto-spinner';
import type { AwaitEvent } from '../client/events.js';
import { messageOf } from '../client/failure.js';
import { formatDuration } from '../time/duration.js';
import { sleep } from '../time/sleep.js';
import type { Progress, Snapshot } from '../types.js';
import type { CommandIo } from './io.js';

/** Shows on stderr how a task stands: a spinner on a terminal, a line for each new state in a pipe. */
export interface ProgressView {
  update(snapshot: Snapshot): void;
  /** Of all events, those that tell of the connection are shown. */
  hear(event: AwaitEvent): void;
  /** Takes the spinner away. */
  stop(): void;
}

const silent: ProgressView = { update() {}, hear() {}, stop() {} };

export function progressView(tool: string, io: CommandIo, quiet: boolean): ProgressView {
  if (quiet) return silent;
  return io.stderr.isTTY ? spinnerView(tool, io) : lineView(tool, io);
}

/** `tool: working, 42 % (3 of 7), message`. */
export function describeState(tool: string, { status, message, progress }: Snapshot): string {
  return `${tool}: ${[status, describeProgress(progress), message].filter(Boolean).join(', ')}`;
}

/** What a person should know of an event; undefined where that is nothing. */
export function describeEvent(tool: string, event: AwaitEvent): string | undefined {
  if (event.type === 'connection-lost') return `${tool}: reconnecting… (${messageOf(event.cause)})`;
  if (event.type === 'connection-restored')
    return `${tool}: connected again after ${formatDuration(event.lostForMs)}`;
  return undefined;
}

function describeProgress(progress: Progress | undefined): string | undefined {
  if (progress === undefined) return undefined;
  const { progress: done, total } = progress;
  if (total === undefined || total <= 0) return `${done} done`;
  const percent = `${Math.floor((100 * done) / total)} %`;
  return total === 1 ? percent : `${percent} (${done} of ${total})`;
}

function lineView(tool: string, io: CommandIo): ProgressView {
  let last = '';
  return {
    update(snapshot) {
      const line = describeState(tool, snapshot);
      if (line !== last) io.stderr.write(`${line}\n`);
      last = line;
    },
    hear(event) {
      const line = describeEvent(tool, event);
      if (line !== undefined) io.stderr.write(`${line}\n`);
    },
    stop() {},
  };
}

function spinnerView(tool: string, io: CommandIo): ProgressView {
  const spinner = yoctoSpinner({ stream: io.stderr as NodeJS.WriteStream, handleSignals: false }).start(tool);
  const stopped = new AbortController();
  const begunAt = performance.now();
  let state = tool;
  const tick = async () => {
    while (!stopped.signal.aborted) {
      spinner.text = `${state} · ${formatDuration(Math.floor((performance.now() - begunAt) / 1000) * 1000)}`;
      await sleep(1000, stopped.signal).catch(() => {});
    }
  };
  void tick();
  return {
    update(snapshot) {
      state = describeState(tool, snapshot);
    },
    hear(event) {
      state = describeEvent(tool, event) ?? state;
    },
    stop() {
      stopped.abort();
      spinner.stop();
    },
  };
}
