import { onTestFailed, TestRunner } from 'vitest';

/** Adds to the message of the test that runs, if it fails, what a program of it said. */
export function explainFailure(explanation: () => string): void {
  // What is started before all tests of a file belongs to none of them.
  if (TestRunner.getCurrentTest() === undefined) return;
  onTestFailed(({ task }) => {
    const error = task.result?.errors?.at(-1);
    if (error === undefined) return;
    const text = `\n\n${explanation()}`;
    error.stack = error.stack?.replace(error.message, () => error.message + text) ?? '';
    error.message += text;
  });
}
