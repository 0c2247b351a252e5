import yoctoSpinner from 'yocto-spinner';
import type { CommandIo } from '../io.js';

/** Tells on standard error how a load test gets on. */
export interface LoadProgress {
  say(line: string): void;
  /** One more task is known to have ended. */
  ended(): void;
  stop(): void;
}

/** A spinner with the count on a terminal; in a pipe a line for every tenth of the tasks. */
export function loadProgress(taskCount: number, io: CommandIo): LoadProgress {
  let count = 0;
  const state = () => `${count} of ${taskCount} tasks have ended`;
  if (!io.stderr.isTTY) {
    const step = Math.ceil(taskCount / 10);
    return {
      say: line => io.stderr.write(`${line}\n`),
      ended() {
        count += 1;
        if (count % step === 0 || count === taskCount) io.stderr.write(`${state()}\n`);
      },
      stop() {},
    };
  }
  const stream = (io.terminal ?? io.stderr) as NodeJS.WriteStream;
  const spinner = yoctoSpinner({ stream, handleSignals: false }).start(state());
  return {
    say(line) {
      spinner.stop();
      io.stderr.write(`${line}\n`);
      spinner.start(state());
    },
    ended() {
      count += 1;
      spinner.text = state();
    },
    stop: () => {
      spinner.stop();
    },
  };
}
