import type { Attributes } from '@opentelemetry/api';
import type { AwaitEvent } from '../events.js';
import { messageOf } from '../failure.js';

export interface SpanEvent {
  readonly name: AwaitEvent['type'];
  readonly attributes: Attributes;
}

/** What a span tells of an event; undefined when it tells nothing. Never arguments, results or references. */
export function spanEventOf(event: AwaitEvent): SpanEvent | undefined {
  const attributes = attributesOf(event);
  return attributes && { name: event.type, attributes };
}

function attributesOf(event: AwaitEvent): Attributes | undefined {
  switch (event.type) {
    case 'task-started':
    case 'task-orphaned':
      return {};
    case 'status-requested':
      return { 'mcp_await.attempt': event.attempt, 'mcp_await.hold_ms': event.holdMs };
    case 'task-updated': {
      const { status, attempt, progress } = event.snapshot;
      return {
        'mcp_await.status': status,
        'mcp_await.attempt': attempt,
        ...(progress && { 'mcp_await.progress': progress.progress }),
        ...(progress?.total !== undefined && { 'mcp_await.total': progress.total }),
      };
    }
    case 'request-failed':
      return {
        'error.message': messageOf(event.error),
        'mcp_await.retries_left': event.retriesLeft,
      };
    case 'status-unknown':
      return { 'mcp_await.status': event.word };
    default:
      return undefined;
  }
}
