import type { TaskStatus } from '../../types.js';

/** What an answer says of a task. */
export interface State {
  readonly status: TaskStatus;
  /** A word that is not known; the task then counts as running. */
  readonly unknownWord?: string;
  /** The server's own word. */
  readonly word?: string;
  /** Whether the word may be that of the request: `"status": "success"`, with nothing more. */
  readonly isOfRequest?: boolean;
  /** Whether only the end is told, and not how it came out. */
  readonly isEndAlone?: boolean;
  /** Whether it only says that there is no end. */
  readonly isWeak?: boolean;
  /** Whether a sentence tells it: an end is then believed when it is told twice. */
  readonly isSentence?: boolean;
}
