import type { McpError } from '@modelcontextprotocol/sdk/types.js';
import { isAwaitError } from '../errors.js';
import type { TaskError } from '../types.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';

const BY_CODE: Readonly<Record<string, number>> = {
  CONFIGURATION: ExitCode.usage,
  AWAIT_TIMEOUT: ExitCode.gaveUp,
  INPUT_REQUIRED: ExitCode.gaveUp,
  ABORTED: ExitCode.interrupted,
  TASK_NOT_FOUND: ExitCode.failed,
};

export function exitCodeOfError(error: unknown): number {
  if (isMcpError(error)) return ExitCode.failed;
  return (isAwaitError(error) ? BY_CODE[error.code] : undefined) ?? ExitCode.unreachable;
}

/** An error as data: our own code, or the JSON-RPC code of a server that refused. */
export function errorFacts(error: unknown): TaskError {
  if (isAwaitError(error)) return { code: error.code, message: error.message };
  if (isMcpError(error)) return { code: `JSON_RPC_${error.code}`, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/** By its name: its class comes with all schemas of the SDK. */
function isMcpError(error: unknown): error is McpError {
  return error instanceof Error && error.name === 'McpError' && 'code' in error;
}

/** Tells the operator of a process that goes on. */
export function reportError(error: unknown, io: CommandIo): void {
  io.stderr.write(`${errorFacts(error).message}\n`);
}
