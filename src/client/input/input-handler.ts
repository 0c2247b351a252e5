import type {
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitResult,
  ListRootsResult,
} from '@modelcontextprotocol/sdk/types.js';
import type { TaskQuestion } from '../../protocols/protocol.js';
import type { TaskReference } from '../../types.js';

/** What a server asks, and which call of ours it asks it for. */
export interface InputQuestion extends TaskQuestion {
  /** The tool that was called; undefined where the server does not say for which call it asks. */
  readonly tool?: string | undefined;
  /** The task that waits for the answer; undefined where it has none. */
  readonly reference?: TaskReference | undefined;
  /** Aborts when the answer is no longer wanted. */
  readonly signal: AbortSignal;
}

/** What the specification gives as the result of the question's method. */
export type InputAnswer = ElicitResult | CreateMessageResult | CreateMessageResultWithTools | ListRootsResult;

/** Answers a server's questions: asks a person (elicitation), a model (sampling), or says which folders there are (roots). */
export type InputHandler = (question: InputQuestion) => InputAnswer | Promise<InputAnswer>;
