import type { Outcome, Snapshot, TaskReference, TaskStatus } from '../types.js';

/** What becomes of the connection of a client that has connected by itself. Says nothing about tasks. */
export type ConnectionEvent =
  /** The server cannot be reached, has ended, or has forgotten the session; contact is looked for again. */
  | { readonly type: 'connection-lost'; readonly cause: unknown }
  /** The server has answered again. */
  | {
      readonly type: 'connection-restored';
      /** Why it was lost. */
      readonly cause: unknown;
      readonly lostForMs: number;
      /** Whether the session is another one, in which subscriptions and the log level are to be set again. */
      readonly newSession: boolean;
    };

/** What happens during waits, for logs and metrics. */
export type AwaitEvent =
  | ConnectionEvent
  /** The server has accepted the job. */
  | { readonly type: 'task-started'; readonly tool: string; readonly reference: TaskReference }
  /** The state of the task will be asked for in `delayMs` milliseconds, or sooner when something tells of a change. */
  | {
      readonly type: 'status-scheduled';
      readonly tool: string;
      readonly reference: TaskReference;
      readonly delayMs: number;
    }
  /** The state of the task is asked for. Repetitions of a request that failed are `request-failed` events. */
  | {
      readonly type: 'status-requested';
      readonly tool: string;
      readonly reference: TaskReference;
      /** Status requests answered so far, from 0. */
      readonly attempt: number;
      /** Milliseconds that the server had asked to wait, as it came. */
      readonly hintMs?: number | undefined;
      /** Milliseconds that the server is asked to hold its answer back until the task ends; 0 for an answer at once. */
      readonly holdMs: number;
      /** Whether a notification caused the request ahead of its time. */
      readonly woken: boolean;
    }
  /** A new state is known. */
  | { readonly type: 'task-updated'; readonly tool: string; readonly snapshot: Snapshot }
  /** A request that may be repeated failed; `retriesLeft` more are tried. */
  | {
      readonly type: 'request-failed';
      readonly tool: string;
      readonly error: unknown;
      readonly retriesLeft: number;
    }
  /** The server used a status word that nobody has told us; it counts as running. Once per word and task. */
  | { readonly type: 'status-unknown'; readonly tool: string; readonly word: string }
  /** Nothing new was heard of the call for `quietForMs` milliseconds: no other state, message or progress. It goes on; once per silence. */
  | { readonly type: 'task-quiet'; readonly tool: string; readonly quietForMs: number }
  /** A tool that no profile tells of looked like the start of a task that `statusTool` tells of; `used` says whether it was awaited as one. */
  | {
      readonly type: 'pair-detected';
      readonly tool: string;
      readonly statusTool: string;
      readonly used: boolean;
      /** What speaks for it, and what was against it; for a person. */
      readonly reasons: readonly string[];
      /** What to do where an answer that was taken for the result may well be that of a start. */
      readonly hint?: string;
    }
  /** The wait was over before the server answered the start: the job runs and nobody waits for it. */
  | { readonly type: 'task-orphaned'; readonly tool: string; readonly reference: TaskReference }
  /** Too many of the tool's last calls failed or were too slow: its calls are refused until `retryAt` (ISO 8601). */
  | { readonly type: 'circuit-opened'; readonly tool: string; readonly retryAt: string }
  /** One call is sent as a trial; another one when it has told nothing by `retryAt` (ISO 8601). */
  | { readonly type: 'circuit-half-opened'; readonly tool: string; readonly retryAt: string }
  /** The trial went well: calls of the tool are sent again. */
  | { readonly type: 'circuit-closed'; readonly tool: string }
  /** Parts of the server's answer to `method` are not of MCP's shape: they are left out, and the rest is used. Once for the same problems. */
  | { readonly type: 'list-repaired'; readonly method: string; readonly problems: readonly string[] }
  /** The journal cannot be read or written: it rests for a minute, then it is tried again. Only calls that do not require it are sent meanwhile. */
  | { readonly type: 'journal-failed'; readonly error: unknown }
  /** The task has ended. */
  | { readonly type: 'task-ended'; readonly tool: string; readonly status: TaskStatus };

/** How a call ended for its caller: with what became of the task, or with what is thrown. */
export type CallEnd =
  | {
      readonly outcome: Outcome;
      /** Whether the journal knew it already, so that nothing was sent. */
      readonly stored?: boolean;
    }
  | { readonly error: unknown };

/** Observes one call from the moment when the caller makes it. */
export interface CallWatch {
  /** Added to `_meta` of every request of the call. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
  /** The call is about to be sent. @throws CircuitOpenError when it must not be */
  starting?(): void;
  hear?(event: AwaitEvent): void;
  /** The call is over. Called once; never for a task whose handle has no waiting caller. */
  ended?(end: CallEnd): void;
}
