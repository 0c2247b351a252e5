import type { ClaimedTask, Execute, Execution, ExecutionContext } from './engine.js';

/** Runs a task also where `execute` breaks its promise and rejects. */
export function executeSafely(execute: Execute) {
  return async (task: ClaimedTask, context: ExecutionContext): Promise<Execution> => {
    try {
      return await execute(task, context);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { status: 'failed', error: { code: 'OPERATION_FAILED', message, retryable: false } };
    }
  };
}
