import { isEnded } from '../../engine/task-record.js';
import { isRecord } from '../is-record.js';
import type { TaskAnswers } from '../task-service.js';
import { toFailure } from '../tool-failure.js';
import { detailedTask } from './detailed-task.js';
import type { CallerContext } from './envelope.js';
import { CODE, type ModernRequest, missingTasks, RequestError } from './wire.js';

/**
 * Answers `tasks/get`, `tasks/update` and `tasks/cancel` (extension io.modelcontextprotocol/tasks).
 * @throws RequestError
 */
export async function answerTaskMethod(
  { method, params }: ModernRequest,
  tasks: TaskAnswers,
  { principal, signal, envelope }: CallerContext,
): Promise<Record<string, unknown>> {
  if (!envelope.takesTasks) throw missingTasks(`The method ${method}`);
  const { taskId } = params;
  if (typeof taskId !== 'string') {
    throw new RequestError(CODE.invalidParams, 'Expected `taskId` to be a string');
  }
  if (method === 'tasks/get') {
    const { record, pollAfterMs } = await tasks.look(principal, taskId, signal).catch(refuse);
    return detailedTask(record, Date.now(), pollAfterMs);
  }
  const record = await tasks.resolve(principal, taskId, { waitMs: 0, signal }).catch(refuse);
  switch (method) {
    case 'tasks/cancel':
      if (!isEnded(record)) await tasks.cancel(principal, taskId).catch(refuse);
      return {};
    default:
      if (!isRecord(params.inputResponses)) {
        throw new RequestError(CODE.invalidParams, 'Expected `inputResponses` to be an object');
      }
      await tasks.answer(principal, taskId, params.inputResponses).catch(refuse);
      return {};
  }
}

function refuse(error: unknown): never {
  const failure = toFailure(error);
  throw new RequestError(failure.retryable ? CODE.internal : CODE.invalidParams, failure.message, {
    data: failure.toTaskError(),
  });
}
