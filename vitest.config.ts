import { defineConfig } from 'vitest/config';
import { FlakyReporter } from './test/flaky-reporter.js';
import { LongestFirst } from './test/longest-first.js';
import { TierReporter } from './test/tier-reporter.js';
import { alone, onFakeTime, tiers } from './test/tiers.js';

const report = process.env.TEST_REPORT;
interface Files {
  readonly include: string[];
  readonly exclude?: string[];
  readonly isolate?: boolean;
  readonly maxWorkers?: number;
  readonly sequence?: { readonly groupOrder: number };
}
const project = (name: string, files: Files) => ({ extends: true as const, test: { name, ...files } });

const others: readonly string[] = Object.values(tiers).flat();

export default defineConfig(({ mode }) => {
  // The projects read this file, too, and always in the mode `test`: the first to read it is the command.
  process.env.RUN_MODE ??= mode;
  return {
    test: {
      globalSetup: ['./test/built-once.ts', './test/services/run-folder.ts'],
      setupFiles: './test/patience.ts',
      // On a machine that may be busy only what hangs comes to these ends.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 20_000 } },
      restoreMocks: true,
      unstubEnvs: true,
      // Three at a time also on two cores, where the default is one: with two, the cores were busy for less than half of the time.
      // `--no-file-parallelism` makes it one in every project.
      maxWorkers: 3,
      sequence: { sequencer: LongestFirst },
      // A shared machine may stop a process for seconds: `.ci/run` runs a failed test once more, and names it.
      retry: Number(process.env.TEST_RETRIES ?? 0),
      reporters: [
        'default',
        new FlakyReporter(),
        ...(report === undefined ? [] : [new TierReporter(report)]),
      ],
      projects: [
        // A process runs many files and loads the sources and packages once.
        project('unit', {
          include: ['test/**/*.test.ts'],
          exclude: [...others, ...alone, ...onFakeTime],
          isolate: false,
        }),
        project('unit-fake-time', {
          include: [...onFakeTime],
          exclude: [...others, ...alone],
          isolate: false,
        }),
        project('unit-alone', { include: [...alone] }),
        // These files wait for processes and databases more than they compute. Each tier runs after the one before it.
        ...Object.entries(tiers).map(([name, include], index) =>
          project(name, { include: [...include], maxWorkers: 4, sequence: { groupOrder: index + 1 } }),
        ),
      ],
    },
  };
});
