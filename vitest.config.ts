import { defineConfig } from 'vitest/config';
import { FlakyReporter } from './test/flaky-reporter.js';
import { tiers } from './test/tiers.js';

const report = process.env.TEST_REPORT;
const project = (name: string, files: { readonly include: string[]; readonly exclude?: string[] }) => ({
  extends: true as const,
  // Real servers and databases, on a machine that may be busy: only what hangs comes to this end.
  test: { name, ...files, ...(name === 'unit' ? {} : { testTimeout: 120_000, hookTimeout: 120_000 }) },
});

export default defineConfig(({ mode }) => {
  // The projects read this file, too, and always in the mode `test`: the first to read it is the command.
  process.env.RUN_MODE ??= mode;
  return {
    test: {
      globalSetup: './test/built-once.ts',
      testTimeout: 30_000,
      hookTimeout: 30_000,
      // Most files wait for processes and databases: two at a time also on two cores, where the default is one.
      maxWorkers: 2,
      // A shared machine may stop a process for seconds: `.ci/run` runs a failed test once more, and names it.
      retry: Number(process.env.TEST_RETRIES ?? 0),
      reporters: [
        'default',
        new FlakyReporter(),
        ...(report === undefined ? [] : [['json', { outputFile: report }] as ['json', object]]),
      ],
      projects: [
        project('unit', { include: ['test/**/*.test.ts'], exclude: Object.values(tiers).flat() }),
        ...Object.entries(tiers).map(([name, include]) => project(name, { include: [...include] })),
      ],
    },
  };
});
