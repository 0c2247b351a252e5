import type { TestCase } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/** Names the tests that passed only when they were run again, so that none of them is overlooked. */
export class FlakyReporter implements Reporter {
  readonly #flaky: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky === true)
      this.#flaky.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    if (this.#flaky.length === 0) return;
    process.stdout.write(`\nPassed only when run again:\n${this.#flaky.map(name => `  ${name}\n`).join('')}`);
  }
}
