import type { CallToolResult, Tool, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { TaskRecord } from '../../engine/task-record.js';
import type { Progress } from '../../types.js';
import { describeIssues } from '../describe-issues.js';
import { isJsonObject } from '../is-record.js';
import { ToolFailure, toFailure } from '../tool-failure.js';

/** Who calls, and until when the caller listens. */
export interface CallContext {
  readonly principal: string;
  readonly signal: AbortSignal;
  /** Set when the caller asked to hear of progress while it waits for the answer. */
  readonly reportProgress?: ((progress: Progress) => void) | undefined;
  /** `name` of the client's `clientInfo`. */
  readonly clientName?: string | undefined;
  /** The request's `_meta`. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
  /** Set where the client can ask a person. */
  readonly askClient?: AskClient | undefined;
  /** Set where the tool may answer with what it has to know. */
  readonly rounds?: Rounds | undefined;
  /** Told of each task that the call is about. */
  readonly onTask?: ((record: TaskRecord) => void) | undefined;
}

/** What a tool has to know before it can answer (spec 2026-07-28, "InputRequiredResult"). */
export interface InputRequired {
  readonly resultType: 'input_required';
  readonly inputRequests: Readonly<Record<string, unknown>>;
  /** Comes back with the answers, as it is; whoever reads it must not trust it. */
  readonly requestState?: string;
}

/** In a protocol in which a call may be answered with questions and sent again with their answers. */
export interface Rounds {
  readonly clientCapabilities: Readonly<Record<string, unknown>>;
  readonly responses?: Readonly<Record<string, unknown>> | undefined;
  readonly state?: string | undefined;
}

/** A `requestState` that no earlier round of this call has given out. */
export class InvalidStateError extends Error {
  override readonly name = 'InvalidStateError';
  constructor() {
    super('The `requestState` is not that of a call of this tool, or has expired: send the call without it');
  }
}

/** Asks the client's person what a task asks, on the call that is under way; the answers go into the store. */
export type AskClient = (record: TaskRecord) => void;

/** Who starts a task in a protocol that has tasks of its own. */
export interface StartContext {
  readonly principal: string;
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
  /** How long the task is to be kept, where the protocol can say that and the call does not. */
  readonly ttlSeconds?: number | undefined;
  readonly rounds?: Rounds | undefined;
}

/** One tool of the server, free of any SDK, so that every revision of the protocol can serve it. */
export interface ServerTool {
  readonly definition: Tool;
  call(argumentsGiven: unknown, context: CallContext): Promise<CallToolResult | InputRequired>;
  /**
   * Starts it as a task and answers at once, where `definition.execution` says that it can be one.
   * @throws ToolFailure when nothing was queued
   */
  readonly start?: (argumentsGiven: unknown, context: StartContext) => Promise<TaskRecord | InputRequired>;
}

export interface ServerToolOptions<Input extends z.ZodType, Output extends z.ZodType> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  /** What callers are shown of the input. @default all of it */
  readonly listedInput?: z.ZodType | undefined;
  readonly output: Output;
  readonly annotations: ToolAnnotations;
  readonly run: (input: z.output<Input>, context: CallContext) => Promise<z.input<Output> | InputRequired>;
}

export const failureSchema = z.object({ code: z.string(), message: z.string(), retryable: z.boolean() });

/** What a tool answers, as an error, where it refuses. */
export const refusalSchema = z.object({ error: failureSchema });

/** A tool that answers with structured content and the same JSON as text, also where it refuses. */
export function serverTool<Input extends z.ZodType, Output extends z.ZodType>(
  options: ServerToolOptions<Input, Output>,
): ServerTool {
  const { name, title, description, input, listedInput = input, output, annotations, run } = options;
  return {
    definition: {
      name,
      title,
      description,
      inputSchema: jsonSchema(listedInput, 'input') as Tool['inputSchema'],
      // The SDK's client checks refusals against it too.
      outputSchema: {
        type: 'object',
        anyOf: [jsonSchema(output, 'output'), jsonSchema(refusalSchema, 'output')],
      },
      annotations,
    },
    async call(argumentsGiven, context) {
      const parsed = input.safeParse(argumentsGiven ?? {});
      try {
        if (!parsed.success) throw invalidArguments(name, parsed.error);
        const answer = (await run(parsed.data, context)) as Record<string, unknown>;
        return isInputRequired(answer) ? answer : toResult(answer);
      } catch (error) {
        return toolRefusalOf(error);
      }
    },
  };
}

/** Whether the client can put questions to a person in a further round. */
export function takesQuestions(rounds: Rounds | undefined): boolean {
  return takesForms(rounds?.clientCapabilities.elicitation);
}

/** Whether a client that declares this elicitation capability can show a form: one that says nothing can. */
export function takesForms(elicitation: unknown): boolean {
  return isJsonObject(elicitation) && ('form' in elicitation || !('url' in elicitation));
}

export function isInputRequired(answer: object): answer is InputRequired {
  return 'resultType' in answer && answer.resultType === 'input_required';
}

/** The answer to a call that failed. @throws what is no failure that a caller could understand */
export function toolRefusalOf(error: unknown): CallToolResult {
  return { ...toResult({ error: toFailure(error).toTaskError() }), isError: true };
}

/** The JSON Schema of a zod schema, in the draft that every validator knows. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    target: 'draft-7',
    unrepresentable: 'any',
  });
  return rest;
}

function toResult(value: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value };
}

function invalidArguments(tool: string, error: z.core.$ZodError): ToolFailure {
  return new ToolFailure(
    'INVALID_ARGUMENTS',
    `The arguments of \`${tool}\` are not usable: ${describeIssues(error)}`,
  );
}
