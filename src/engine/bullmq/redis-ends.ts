import { QueueEvents, type QueueEventsListener, type QueueEventsOptions } from 'bullmq';
import type { EndsOptions, StoreEnds } from './queue-connection.js';

/** A connection that is silent for much longer is taken to be lost. */
const LONGEST_READ_MS = 5000;

/** Tells of the ends of a queue's tasks, over a connection of its own. */
export function redisEnds(
  queue: string,
  options: QueueEventsOptions,
  { since, onEnd }: EndsOptions,
): StoreEnds {
  const events = new QueueEvents(queue, { ...options, lastEventId: since, blockingTimeout: LONGEST_READ_MS });
  const listener = ({ jobId }: { jobId: string }) => onEnd(jobId);
  // It makes its connection anew by itself.
  events.on('error', () => {});
  events.on('completed', listener);
  events.on('failed', listener);
  events.on<EndedListener>('ended', listener);
  return events;
}

/** An event that the engine publishes itself. */
interface EndedListener extends QueueEventsListener {
  ended: (event: { jobId: string }) => void;
}
