import { type CallToolResult, McpError } from '@modelcontextprotocol/sdk/types.js';
import { AwaitAbortedError, AwaitDetachedError, AwaitError, ConfigurationError } from '../../errors.js';
import { messageOf } from '../faults/failure.js';

/** The program that ended the wait or configured it wrongly gets these errors; the model does not. */
const FOR_THE_PROGRAM = [AwaitAbortedError, AwaitDetachedError, ConfigurationError];

/** Whether a model can make something of this error: what went wrong with the call, not with the program. */
export function isForTheModel(error: unknown): boolean {
  if (error instanceof McpError) return true;
  return error instanceof AwaitError && !FOR_THE_PROGRAM.some(Class => error instanceof Class);
}

/** An error as a tool result: its code and its sentence, as text and as data. */
export function resultOfError(error: unknown): CallToolResult {
  const { code, message, status, reference } = factsOf(error);
  return {
    isError: true,
    content: [{ type: 'text', text: `${code}: ${message}` }],
    structuredContent: { status, error: { code, message }, ...(reference !== undefined && { reference }) },
  };
}

function factsOf(error: unknown) {
  const message = error instanceof AwaitError || error instanceof McpError ? error.message : messageOf(error);
  if (error instanceof McpError) return { code: `JSON_RPC_${error.code}`, message, status: 'failed' };
  if (!(error instanceof AwaitError)) return { code: 'INTERNAL', message, status: 'failed' };
  const { code, reference, snapshot } = error;
  // A task with a reference has not ended because we have stopped waiting for it.
  return {
    code,
    message,
    reference,
    status: reference === undefined ? 'failed' : (snapshot?.status ?? 'working'),
  };
}
