import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { InputAnswer, InputHandler } from '../client/input/input-handler.js';
import { anyResult } from '../protocols/native-task.js';
import { untilAborted } from '../time/signals.js';
import { relayed } from './call-answer.js';

/** A person may take their time. */
const ANSWER_WITHIN_MS = 3_600_000;

export interface HostQuestionsOptions {
  readonly server: Server;
  /** Settles when the host may be asked. */
  readonly ready: Promise<void>;
  /** A request of the host that is open, on whose stream it is to be asked; undefined to ask it on its own. */
  readonly request: () => RequestId | undefined | Promise<RequestId>;
}

/** Puts the questions of upstreams to the host, as they are. */
export function hostQuestions({ server, ready, request }: HostQuestionsOptions): InputHandler {
  return async ({ method, params, signal }) => {
    await ready;
    const relatedRequestId = await untilAborted(Promise.resolve(request()), signal);
    const question = { method, params } as Parameters<Server['request']>[0];
    const answer = await server
      .request(question, anyResult, {
        signal,
        timeout: ANSWER_WITHIN_MS,
        ...(relatedRequestId !== undefined && { relatedRequestId }),
      })
      .catch(error => {
        throw relayed(error);
      });
    return answer as unknown as InputAnswer;
  };
}
