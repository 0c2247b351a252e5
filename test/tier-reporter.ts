import { writeFileSync } from 'node:fs';
import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/** So many files of a tier are named. */
const MAX_NAMED = 5;
const STATES = ['passed', 'failed', 'skipped'] as const;

interface Finished {
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Writes how long each tier took, which of its files took longest, how the tests of all ended, and which files failed. */
export class TierReporter implements Reporter {
  readonly #file: string;
  readonly #startedAt = new Map<string, number>();
  readonly #tiers = new Map<string, Finished[]>();

  constructor(file: string) {
    this.#file = file;
  }

  onTestModuleQueued({ id }: TestModule): void {
    this.#startedAt.set(id, performance.now());
  }

  onTestModuleEnd({ id, project, relativeModuleId: name }: TestModule): void {
    const endedAt = performance.now();
    // The unit tests are several projects.
    const [tier = ''] = project.name.split('-');
    const finished = this.#tiers.get(tier) ?? [];
    finished.push({ name, startedAt: this.#startedAt.get(id) ?? endedAt, endedAt });
    this.#tiers.set(tier, finished);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = [...this.#tiers].map(([tier, files]) => lineOf(tier, files));
    const states = modules.flatMap(({ children }) =>
      [...children.allTests()].map(test => test.result().state),
    );
    const counts = STATES.map(state => `${states.filter(each => each === state).length} ${state}`);
    const failed = modules.filter(module => !module.ok()).map(module => `failed: ${module.relativeModuleId}`);
    writeFileSync(this.#file, `${[...lines, counts.join(', '), ...failed].join('\n')}\n`);
  }
}

function lineOf(tier: string, files: readonly Finished[]): string {
  const first = Math.min(...files.map(({ startedAt }) => startedAt));
  const last = Math.max(...files.map(({ endedAt }) => endedAt));
  const byTime = files.toSorted((a, b) => b.endedAt - b.startedAt - (a.endedAt - a.startedAt));
  const named = byTime
    .slice(0, MAX_NAMED)
    .map(({ name, startedAt, endedAt }) => `  ${seconds(endedAt - startedAt)} ${name}`);
  return [`${tier}: ${seconds(last - first)}, ${files.length} files`, ...named].join('\n');
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
