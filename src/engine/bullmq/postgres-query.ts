/** A query as pg and BullMQ make it: rows for a text and its values. */
export type Query = (text: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/** The parameter `$1`, a text, of a statement that PostgreSQL answers before it is on the disk. */
export const UNSYNCED_TEXT = `(SELECT $1::text FROM set_config('synchronous_commit', 'off', true))`;

/** BullMQ's functions that take a message and that remove one which was taken; the first parameter is the queue. */
const MOVES = /\b(move_to_(?:active|completed|completed_fetch)\(\s*)\$1\b/;

/**
 * Lets no message wait for the disk to be taken or removed. Nothing is lost to a crash: the change of the task that follows
 * comes later in the same log and waits for the disk, and a message whose removal is lost comes again and finds a task that
 * has ended.
 */
export function movesUnsynced(query: Query): Query {
  return (text, values) =>
    query(
      text.replace(MOVES, (_, call) => call + UNSYNCED_TEXT),
      values,
    );
}

/** How far the clock may be off before it matters, in milliseconds. */
const TOLERANCE_MS = 250;
/** No duration, count or id of the queue is so large; every time since 2001 is. */
const EARLIEST_MS = 1_000_000_000_000;
const BULK = /\badd_(jobs_bulk|flow)\b/;
const TIME_COLUMN = /_ms$|^next_delay$/;

/**
 * Keeps the times in the store by its server's clock, which all processes share: BullMQ reckons locks and delays by each
 * process's own, and one whose clock is off would lose its tasks to others, or take theirs. What goes out is moved by how
 * far this clock is off, and what comes back is moved back. The clock is compared at first, and again when it has jumped.
 */
export function byServerClock(query: Query): Query {
  let offsetMs = 0;
  let comparedAt: number | undefined;
  let comparing: Promise<void> | undefined;

  async function compare(): Promise<void> {
    const before = Date.now();
    const { rows } = await query('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now');
    const after = Date.now();
    const aheadMs = Math.round(Number(rows[0]?.now) - (before + after) / 2);
    // No better known than the answer took.
    offsetMs = Math.abs(aheadMs) <= Math.max(TOLERANCE_MS, after - before) ? 0 : aheadMs;
    comparedAt = after - performance.now();
  }

  return async (text, values) => {
    if (comparedAt === undefined || Math.abs(Date.now() - performance.now() - comparedAt) > TOLERANCE_MS) {
      comparing ??= compare().finally(() => {
        comparing = undefined;
      });
      await comparing;
    }
    if (offsetMs === 0) return query(text, values);
    const shift = offsetMs;
    const moving = values?.map(value => (isTime(value) ? value + shift : value));
    const sent = BULK.test(text) ? moving?.map(value => movedBulk(value, shift)) : moving;
    const answer = await query(text, sent);
    return { ...answer, rows: answer.rows.map(row => moved(row, -shift)) };
  };
}

/** Jobs that are added together, as JSON. */
function movedBulk(value: unknown, byMs: number): unknown {
  if (typeof value !== 'string' || !value.startsWith('[')) return value;
  const jobs: { readonly timestamp: number }[] = JSON.parse(value);
  return JSON.stringify(jobs.map(job => ({ ...job, timestamp: job.timestamp + byMs })));
}

function moved(row: Record<string, unknown>, byMs: number): Record<string, unknown> {
  const entries = Object.entries(row).map(([column, value]) => {
    // A bigint comes as text.
    const time = typeof value === 'string' ? Number(value) : value;
    return [column, TIME_COLUMN.test(column) && isTime(time) ? String(time + byMs) : value];
  });
  return Object.fromEntries(entries);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > EARLIEST_MS;
}
