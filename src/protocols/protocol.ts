import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { AskedQuestion } from '../errors.js';
import type { Outcome, Progress, RunningStatus, ToolCall } from '../types.js';
import type { Pair } from './pair/profile.js';

/** What a protocol may ask of the connection: the narrow port to the SDK. */
export interface Port {
  /** The SDK's own `Client.callTool`, output validation included. Its signal serves this one request. */
  callTool(call: ToolCall, options: RequestOptions): Promise<CallToolResult>;
  /** One JSON-RPC request, its result checked against `schema` only. */
  request<Schema extends z.ZodType>(
    request: { readonly method: string; readonly params?: object },
    schema: Schema,
    options: RequestOptions,
  ): Promise<z.output<Schema>>;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Longest silence in milliseconds: until the answer, or until the next progress notification. */
  readonly timeoutMs: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** Everything one protocol step works with. */
export interface Exchange {
  readonly port: Port;
  readonly signal: AbortSignal;
  /** For a request that a server answers at once. */
  readonly requestTimeoutMs: number;
  /** For a request that is answered when the work is done. */
  readonly silenceTimeoutMs: number;
  /**
   * How long the server may hold the answer back until the task ends, in milliseconds, where it can: the start for an
   * inline answer, a status request as a long poll. 0 for an answer at once.
   */
  readonly holdMs: number;
  /** Names the logical call, the same for every time that it is sent. */
  readonly idempotencyKey?: string | undefined;
  readonly onProgress: (progress: Progress) => void;
}

/** A revision of MCP's own tasks. */
export type NativeTasks = '2025-11-25' | '2026-07-28';

/** What the server can do, as far as a plan depends on it. */
export interface ServerFacts {
  /** The whole of `tools/list`. */
  readonly tools: readonly Tool[];
  /** The tasks of MCP itself that this connection can use. @default none */
  readonly nativeTasks?: NativeTasks | undefined;
  /** Pairs of tools that the user tells of; they come before those that are built in. @default none */
  readonly pairs?: readonly Pair[] | undefined;
  /** Status words over those that pairs know. @default none */
  readonly words?: Pair['words'] | undefined;
  /** Whether pairs may be used that nobody tells of. @default false */
  readonly detect?: boolean | undefined;
  /** Whether the actions of one tool may be such a pair, too. @default true */
  readonly detectActions?: boolean | undefined;
  /** Remembers which pairs have proved themselves. @default nothing is remembered */
  readonly proofs?: PairProofs | undefined;
}

/** What makes two tools the same pair again, as plain JSON: their whole definitions, and the arguments that are used. */
export type PairProof = Readonly<Record<string, unknown>>;

/** The pairs that have proved themselves on one server. */
export interface PairProofs {
  has(proof: PairProof): boolean;
  add(proof: PairProof): void;
  remove(proof: PairProof): void;
}

/** What a server asks the user or the host of the client (spec 2025-11-25, client: elicitation, sampling, roots). */
export type TaskQuestion = AskedQuestion;

export interface Running {
  readonly kind: 'running';
  readonly status: RunningStatus;
  readonly message?: string;
  readonly progress?: Progress;
  /** Milliseconds that the server asks us to wait before the next status request. */
  readonly hintMs?: number;
  /** Milliseconds within which the server does not want another status request: the same for every task, however long. */
  readonly leastMs?: number;
  /** What the task asks while it is `input_required`, by the key under which it is answered. */
  readonly questions?: Readonly<Record<string, TaskQuestion>>;
  /** A status word that the protocol does not know; it counts as running. */
  readonly unknownWord?: string;
  readonly raw: unknown;
}

export interface Ended {
  readonly kind: 'ended';
  readonly outcome: Outcome;
  readonly raw: unknown;
}

export type PollAnswer = Running | Ended;
/** A task that has ended already may have a handle, too: its server still knows it. */
export type StartAnswer = (
  | (Running & { readonly handle: unknown })
  | (Ended & { readonly handle?: unknown })
) & {
  readonly detected?: Detected;
  /** What the handle is one of, where it is not the plan's own protocol. */
  readonly protocol?: Protocol;
};

/** What came of looking for a pair of tools in the answer to a start. */
export interface Detected {
  readonly statusTool: string;
  /** Whether the answer was taken for that of a start. */
  readonly used: boolean;
  /** For a person. */
  readonly reasons: readonly string[];
  /** What to do where an answer that was taken for the result may well be that of a start. */
  readonly hint?: string;
}

/** What speaks for a pair that no profile tells of, and against it. */
export interface FoundPair {
  readonly statusTool: string;
  readonly score: number;
  /** Named, with points; a veto has none. */
  readonly evidence: readonly {
    readonly name: string;
    readonly points?: number;
    readonly says: string;
  }[];
}

/** How one tool of one server will be awaited. */
export interface ToolPlan {
  readonly protocol: Protocol;
  /** One clause for a person: why this protocol. */
  readonly why: string;
  /** The pair that the tool may be the start of, where no profile tells of it. @default none */
  readonly found?: FoundPair;
  /** Why the tool cannot be called: what the user has told of it is wrong. @default none */
  readonly unusable?: string;
  /** What the user should know of the call: what they have told is of no use. @default none */
  readonly notice?: string;
  /**
   * What `start` answers: `task` that a task was accepted, `blocking` the result when the work is done, so that there is no
   * task apart from the call, `unknown` either of them.
   */
  readonly startKind: 'task' | 'blocking' | 'unknown';
  /** Whether the server of a tool that starts tasks can hold the answer to `start` back. @default false */
  readonly holdsStart?: boolean;
  /** Whether a start may be sent twice: it carries the idempotency key, or the tool is marked as idempotent. */
  readonly idempotent: boolean;
  /** The tool as an agent should see it. */
  readonly listed: Tool;
  /** Tools that the plan uses by itself, so that an agent need not see them. */
  readonly hiddenTools: readonly string[];
  /** Sends the call. @throws whatever the port throws, and ProtocolViolationError. */
  start(call: ToolCall, exchange: Exchange): Promise<StartAnswer>;
}

export interface PollGroup {
  readonly name: string;
  /** Most tasks in one request. */
  readonly most: number;
}

/** Status requests about many tasks. */
export interface ManyPolls {
  /** Handles of the same group may go into one request; undefined for one that is to be asked alone. Pure. */
  groupOf(handle: unknown): PollGroup | undefined;
  /**
   * Asks for handles of one group, with an answer for each in their order: its state, the error that `poll` would
   * have thrown, or undefined where the server left it out.
   */
  poll(handles: readonly unknown[], exchange: Exchange): Promise<readonly (PollAnswer | Error | undefined)[]>;
}

/**
 * One way of being asynchronous. Every protocol passes `test/protocols/conformance.ts`.
 *
 * Obligations:
 * - "Not finished" is a value, never an exception; a task that failed is an `Ended`, never an exception.
 * - `handle` is plain JSON and all that `poll` and `cancel` need, in any process.
 * - A step sends as few requests as it can, keeps no state, and passes `exchange.signal` to each.
 * - An answer that is not about this task, or that cannot be read, is a ProtocolViolationError.
 * - An unknown status word counts as running and is named in `unknownWord`.
 */
export interface Protocol {
  readonly name: string;
  /** The revision of MCP's own tasks that it awaits; they have handles in common. @default none */
  readonly nativeTasks?: NativeTasks;
  /** How it would await `tool`; undefined when it would not. Pure. */
  plan(tool: Tool, server: ServerFacts): ToolPlan | undefined;
  /** Asks for the state once. @throws TaskNotFoundError when the server does not know the task. */
  poll(handle: unknown, exchange: Exchange): Promise<PollAnswer>;
  /** Whether the server of this handle holds a status answer back when it is asked to. @default false */
  holds?(handle: unknown): boolean;
  /** What the server's notifications may name this task by: a task's id, a resource's URI. They wake its wait. @default none */
  topics?(handle: unknown): readonly string[];
  /** Answers questions of a status answer, by their keys. Only where status answers have questions. */
  answer?(handle: unknown, answers: Readonly<Record<string, unknown>>, exchange: Exchange): Promise<void>;
  /**
   * Lets the server of an `input_required` task send its questions as requests of its own, for as long as it takes;
   * settles when it no longer listens, which says nothing about the task. Only where status answers have no questions.
   */
  listenForQuestions?(handle: unknown, exchange: Exchange): Promise<void>;
  /** Asks for the state of many tasks in one request, where a server can tell it. @default each is asked alone */
  readonly many?: ManyPolls;
  /** Asks the server to cancel; the next poll tells what came of it. @throws NotSupportedError when it has no way. */
  cancel(handle: unknown, exchange: Exchange): Promise<void>;
}
