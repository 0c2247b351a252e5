import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import type { TaskRecord } from '../../engine/task-record.js';
import type { TaskAnswers } from '../task-service.js';
import { takesForms } from '../tools/server-tool.js';
import { relatedTask } from './native-task.js';

type SendRequest = RequestHandlerExtra<ServerRequest, ServerNotification>['sendRequest'];

/** A person may take their time; a question that is put off is asked again by whoever comes back for the task. */
const ANSWER_WITHIN_MS = 3_600_000;

export interface ClientQuestions {
  /** Whether the client can ask a person. */
  readonly areTaken: boolean;
  /** Asks the client, on the request that it has sent, what it has not been asked yet. The answers go into the store. */
  ask(record: TaskRecord, sendRequest: SendRequest): void;
}

export interface ClientQuestionsOptions {
  readonly server: Server;
  readonly tasks: TaskAnswers;
  readonly principal: string;
}

/** The questions of tasks, asked as elicitations of one session (spec 2025-11-25, client/elicitation). */
export function createClientQuestions({ server, tasks, principal }: ClientQuestionsOptions): ClientQuestions {
  /** Those under way, by key: a question belongs to one task only. */
  const asked = new Set<string>();
  return {
    get areTaken() {
      return takesForms(server.getClientCapabilities()?.elicitation);
    },
    ask({ taskRef, inputRequests = {} }, sendRequest) {
      for (const [key, { method, params }] of Object.entries(inputRequests)) {
        if (asked.has(key)) continue;
        asked.add(key);
        // In a copy: the store's is not ours to change.
        const request = { method, params: { ...structuredClone(params), _meta: relatedTask(taskRef) } };
        sendRequest(request as ServerRequest, ElicitResultSchema, { timeout: ANSWER_WITHIN_MS })
          .then(answer => tasks.answer(principal, taskRef, { [key]: answer }))
          // A client that has gone, or gave no usable answer, is asked again when it comes back.
          .catch(() => {})
          .finally(() => asked.delete(key));
      }
    },
  };
}
