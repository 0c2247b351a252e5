import type { TaskStatus } from '../types.js';

/** An argument by which a tool is asked to hold its answer back until the task ends. */
export interface WaitArgument {
  readonly name: string;
  /** The argument is in seconds; the most that the tool takes. */
  readonly mostSeconds: number;
}

/** A start tool and the tool that tells its state, described as data. Paths are dotted keys into an answer's payload. */
export interface BundledProfile {
  /** Stands in references: a profile keeps its name for as long as tasks may be resumed. */
  readonly name: string;
  readonly start: {
    readonly tool: string;
    /** Where the start answer holds the task's handle. */
    readonly handleAt: string;
    /** The argument that makes a repeated start return the same task, if the tool takes one. */
    readonly idempotencyArgument?: string;
    /** For an inline answer: the start answer then has what a status answer has, once the task has ended. */
    readonly waitArgument?: WaitArgument;
  };
  /** For tools that take the work's own arguments and start a task, too. All are keys of `_meta`. */
  readonly marked?: {
    /** In the definition of such a tool; its value is the profile's name. */
    readonly definitionKey: string;
    /** In a call: where the idempotency argument and the wait argument of `start` go. */
    readonly callKey: string;
    /** In the answer, where there is a task: its handle and status, as in a start answer. The answer itself is the result, once it has ended. */
    readonly taskKey: string;
  };
  readonly status: {
    readonly tool: string;
    readonly handleArgument: string;
    /** Where the status answer repeats the handle; an answer with another one is refused. */
    readonly handleAt?: string;
    readonly statusAt: string;
    readonly resultAt: string;
    /** Where `{code, message, retryable?}` of a failed task is. */
    readonly errorAt: string;
    /** Where progress in MCP's shape is. */
    readonly progressAt?: string;
    /** Where the questions of a task that waits for answers are, by key, as MCP requests. */
    readonly questionsAt?: string;
    /** Where the server says how many milliseconds to wait before the next status request. */
    readonly pollAfterMsAt?: string;
    /** Error codes by which the status tool says that there is no such task. */
    readonly notFoundCodes: readonly string[];
    /** For a long poll. */
    readonly waitArgument?: WaitArgument;
    /** The argument that takes a list of handles instead of one, the most it takes, and where the list of answers is. */
    readonly many?: { readonly argument: string; readonly most: number; readonly answersAt: string };
  };
  readonly cancel?: {
    readonly tool: string;
    readonly handleArgument: string;
  };
  /** The server's status words in lower case with underscores. A word that is not here counts as running. */
  readonly words: Readonly<Record<string, TaskStatus>>;
}
