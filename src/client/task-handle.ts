import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Snapshot, TaskReference } from '../types.js';
import type { CallRun } from './call/call-run.js';
import * as explain from './faults/explain.js';

/**
 * One running call. Status requests begin when `result()` or `updates()` is first used; both may be used, in any
 * number and order, and share one wait. Not thenable: `await handle` gives the handle.
 */
export class TaskHandle {
  readonly #run: CallRun;

  /** @internal Handles come from `AwaitClient.startTool` and `AwaitClient.resumeTask`. */
  constructor(run: CallRun) {
    this.#run = run;
  }

  /** The tool that was called. */
  get tool(): string {
    return this.#run.tool;
  }

  /** How the call is awaited, such as `sync` or `tool-pair`. */
  get protocol(): string {
    return this.#run.protocol.name;
  }

  /** Plain JSON that resumes the task in any process; undefined for a call that has no task of its own. */
  get reference(): TaskReference | undefined {
    return this.#run.state.reference;
  }

  /** The id of the call in the journal, as `mcp-await wait` takes it; undefined without a journal. */
  get journalId(): string | undefined {
    return this.#run.state.entry?.id;
  }

  /** The last known state. */
  get snapshot(): Snapshot {
    return this.#run.state.snapshot;
  }

  /**
   * The states of the task, from the current one to the last. A reader who is slower than the task gets the latest
   * state and skips those between.
   * @throws what `result()` throws
   */
  async *updates(): AsyncGenerator<Snapshot, void, void> {
    const outcome = this.#run.outcome();
    let seen: Snapshot | undefined;
    for (;;) {
      const changed = this.#run.state.changed.next;
      if (seen !== this.snapshot) {
        seen = this.snapshot;
        yield seen;
      } else if (this.#run.state.over) {
        await outcome;
        return;
      } else {
        await changed;
      }
    }
  }

  /**
   * The final result. A task that failed or was cancelled is a result with `isError: true` and
   * `structuredContent` `{status, error: {code, message}}`.
   * @throws AwaitError when something went wrong on our side, such as `AwaitTimeoutError`; the SDK's `McpError` when
   * the server refused the call
   */
  result(): Promise<CallToolResult> {
    return this.#run.result();
  }

  /**
   * Asks the server to cancel the task; `result()` then tells how it ended. A synchronous call has no task: its
   * request is cancelled, and `result()` ends with `AwaitAbortedError`.
   * @throws NotSupportedError when the server has no way to; AwaitError when it could not be asked
   */
  cancel(): Promise<void> {
    return this.#run.cancel();
  }

  /** Tells a journal with the option `acknowledge` that the result has arrived where it was wanted. */
  acknowledge(): void {
    this.#run.state.entry?.acknowledge();
  }

  /** Stops waiting; the task goes on. Pending `result()` calls end with `AwaitDetachedError`. */
  detach(): void {
    this.#run.end(explain.detached);
  }
}
