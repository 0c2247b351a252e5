import { defineConfig } from 'vitest/config';
import { tiers } from './test/tiers.js';

const report = process.env.TEST_REPORT;
const project = (name: string, files: { readonly include: string[]; readonly exclude?: string[] }) => ({
  extends: true as const,
  test: { name, ...files },
});

export default defineConfig(({ mode }) => {
  // The projects read this file, too, and always in the mode `test`: the first to read it is the command.
  process.env.RUN_MODE ??= mode;
  return {
    test: {
      testTimeout: 30_000,
      hookTimeout: 30_000,
      // Most files wait for processes and databases: two at a time also on two cores, where the default is one.
      maxWorkers: 2,
      ...(report !== undefined && { reporters: ['default', ['json', { outputFile: report }]] as const }),
      projects: [
        project('unit', { include: ['test/**/*.test.ts'], exclude: Object.values(tiers).flat() }),
        ...Object.entries(tiers).map(([name, include]) => project(name, { include: [...include] })),
      ],
    },
  };
});
