import type { TestCase } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/** Names the tests that passed only when they were run again, and says how they failed before. */
export class FlakyReporter implements Reporter {
  readonly #flaky: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky !== true) return;
    const errors = test.result().errors?.map(({ message }) => message.replace(/^/gm, '    ')) ?? [];
    this.#flaky.push([`${test.module.relativeModuleId} > ${test.fullName}`, ...errors].join('\n'));
  }

  onTestRunEnd(): void {
    if (this.#flaky.length === 0) return;
    process.stdout.write(`\nPassed only when run again:\n${this.#flaky.map(name => `  ${name}\n`).join('')}`);
  }
}
