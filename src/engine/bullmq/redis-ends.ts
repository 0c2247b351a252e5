import { QueueEvents, type QueueEventsListener, type QueueEventsOptions } from 'bullmq';
import { CHANGE_EVENTS, END_EVENTS, type EndsOptions, type StoreEnds } from './queue-connection.js';

/** A connection that is silent for much longer is taken to be lost. */
const MAX_READ_MS = 5000;

/** Tells of the ends of a queue's tasks, over a connection of its own. */
export function redisEnds(
  queue: string,
  options: QueueEventsOptions,
  { since, onEnd, onChange }: EndsOptions,
): StoreEnds {
  const events = new QueueEvents(queue, { ...options, lastEventId: since, blockingTimeout: MAX_READ_MS });
  const listener = ({ jobId }: { jobId: string }) => onEnd(jobId);
  // It makes its connection anew by itself.
  events.on('error', () => {});
  for (const event of END_EVENTS) events.on<OwnListener>(event, listener);
  const changeListener = ({ jobId }: { jobId: string }) => onChange(jobId);
  for (const event of CHANGE_EVENTS) events.on<OwnListener>(event, changeListener);
  return events;
}

/** Events that the engine publishes itself. */
interface OwnListener extends QueueEventsListener {
  ended: (event: { jobId: string }) => void;
  changed: (event: { jobId: string }) => void;
}
