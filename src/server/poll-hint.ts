import { isEnded, type TaskRecord } from '../engine/task-record.js';

const MIN_MS = 1000;
const MAX_MS = 30_000;
/** Longest time for which a look is held, in milliseconds. Common proxies cut a request after 30 s of silence, or later. */
export const HOLD_MS = 20_000;
/** Before a look that will be held, this share of the task's age passes, up to so many milliseconds. */
const HELD_SHARE = 0.1;
const MAX_HELD_MS = 10_000;
/** Most tasks of which it is remembered that somebody has looked. */
const MAX_SEEN = 10_000;

interface Look {
  readonly record: TaskRecord;
  /** When to ask again, in milliseconds. */
  readonly pollAfterMs: number;
}

type Resolve = (
  owner: string,
  taskRef: string,
  wait: { readonly waitMs: number; readonly signal: AbortSignal },
) => Promise<TaskRecord>;

/** @throws what `Resolve` throws */
export type Looker = (owner: string, taskRef: string, signal: AbortSignal) => Promise<Look>;

/**
 * Looks at a task for a caller who does as the hint says, and listens to nothing. The first look is answered at once. A
 * further one that finds nothing new is held until the task has ended or asks something, so that this is known at once.
 */
export function createLook(resolve: Resolve): Looker {
  const seen = new SeenTasks();
  return async (owner, taskRef, signal) => {
    const before = await resolve(owner, taskRef, { waitMs: 0, signal });
    const isFirst = seen.isNew(before);
    const beganAt = performance.now();
    const record = isFirst ? before : await resolve(owner, taskRef, { waitMs: HOLD_MS, signal });
    // A caller who has its share of held calls is answered at once: then only the hint keeps its requests few.
    const isHeld = isFirst || performance.now() - beganAt >= HOLD_MS / 2;
    seen.note(record);
    return { record, pollAfterMs: pollAfterMs(record, Date.now(), isHeld) };
  };
}

/** What tasks asked when somebody last looked at them. */
export class SeenTasks {
  readonly #questions = new Map<string, string>();

  /** Whether nobody has seen it yet, or it asks something else now. */
  isNew(record: TaskRecord): boolean {
    return this.#questions.get(record.taskRef) !== questionsIn(record);
  }

  note(record: TaskRecord): void {
    this.#questions.delete(record.taskRef);
    if (!isEnded(record)) this.#questions.set(record.taskRef, questionsIn(record));
    for (const oldest of this.#questions.keys())
      if (this.#questions.size > MAX_SEEN) this.#questions.delete(oldest);
  }
}

function questionsIn({ inputRequests = {} }: TaskRecord): string {
  return Object.keys(inputRequests).join();
}

/**
 * When to ask again about a task, in milliseconds: after as long as it has taken so far, so that the intervals double as in
 * exponential backoff, whoever asks and however often. Sooner where its progress or its SLA says that it ends before.
 * @param isHeld whether the next request will be held
 */
export function pollAfterMs(record: TaskRecord, now: number, isHeld = false): number {
  const ageMs = now - record.createdAt;
  const evenMs = isHeld ? Math.min(ageMs * HELD_SHARE, MAX_HELD_MS) : ageMs;
  const hintMs = Math.min(evenMs, untilEndMs(record, now));
  return Math.min(Math.max(Math.round(hintMs), MIN_MS), MAX_MS);
}

/** Milliseconds to the likely end; beyond it, as many as have passed since, so that a task that stands at 99 % costs little. */
function untilEndMs({ startedAt, updatedAt, slaMs, waitedMs, progress }: TaskRecord, now: number): number {
  if (startedAt === undefined) return Number.POSITIVE_INFINITY;
  const overMs = startedAt + slaMs + waitedMs - now;
  const { progress: done = 0, total = Number.NaN } = progress ?? {};
  const endsAt = startedAt + ((updatedAt - startedAt) * total) / done;
  return Number.isFinite(endsAt) ? Math.min(Math.abs(endsAt - now), overMs) : overMs;
}
