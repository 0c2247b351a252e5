import type { AwaitEvent } from '../client/events.js';
import { messageOf } from '../client/faults/failure.js';
import type { Next } from './progress-line.js';

/** What a wait does next, from its events: a request with the moment when it is due, on the same clock as `now`. */
export type NextStep =
  | Exclude<Next, { kind: 'request' }>
  | { readonly kind: 'request'; readonly dueAt: number };

/** @returns the step after the event; the same as before where the event says nothing of it */
export function nextCommand(
  before: NextStep | undefined,
  event: AwaitEvent,
  now: number,
): NextStep | undefined {
  switch (event.type) {
    case 'status-scheduled':
      return { kind: 'request', dueAt: now + event.delayMs };
    case 'status-requested':
      // It waits for the connection.
      if (before?.kind === 'contact') return before;
      return event.holdMs > 0 ? { kind: 'held' } : undefined;
    case 'connection-lost':
      return { kind: 'contact', why: messageOf(event.cause) };
    case 'request-failed':
      return { kind: 'contact', why: messageOf(event.error) };
    // Progress may come while a request is held; whoever answers is in contact.
    case 'task-updated':
      return before?.kind === 'contact' ? undefined : before;
    case 'connection-restored':
    case 'task-ended':
      return undefined;
    default:
      return before;
  }
}
