import { GroupedAdds } from '../grouped-adds.js';
import type { RecordStatus } from '../task-record.js';
import { type Query, UNSYNCED_TEXT } from './postgres-query.js';
import {
  type ChangeListener,
  type ChangeWord,
  LOOKED_AT,
  type NewestQuery,
  type NewFields,
  type OfStatus,
  type RecordChange,
  type RecordStore,
} from './record-store.js';
import { ALL_FIELDS, RECORD_FIELDS, type TaskFields } from './task-fields.js';

const TABLE = 'mcp_await_task';
export const CHANNEL = 'mcp_await_changes';

const TABLES = `
  CREATE TABLE IF NOT EXISTS ${TABLE} (
    installation text NOT NULL, "taskRef" text COLLATE "C" NOT NULL, operation text NOT NULL, "ownerDigest" text NOT NULL,
    key text, task text NOT NULL, parameters text, status text NOT NULL, worker text, version integer NOT NULL DEFAULT 1,
    "createdAt" bigint NOT NULL, "updatedAt" bigint NOT NULL, "startedAt" bigint, "endedAt" bigint,
    "expiresAt" bigint NOT NULL, "runCount" integer NOT NULL DEFAULT 0, "excusedRuns" integer NOT NULL DEFAULT 0,
    "waitedMs" bigint NOT NULL DEFAULT 0, questions text, delivery text, progress text, result text, error text,
    PRIMARY KEY (installation, "taskRef"));
  CREATE UNIQUE INDEX IF NOT EXISTS ${TABLE}_by_key ON ${TABLE} (installation, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS ${TABLE}_listed ON ${TABLE} (installation, "createdAt", "taskRef");
  CREATE INDEX IF NOT EXISTS ${TABLE}_of_owner ON ${TABLE} (installation, "ownerDigest", "createdAt", "taskRef");
  CREATE INDEX IF NOT EXISTS ${TABLE}_of_status ON ${TABLE} (installation, operation, status, "updatedAt");
  CREATE INDEX IF NOT EXISTS ${TABLE}_by_expiry ON ${TABLE} (installation, "expiresAt") WHERE status <> 'processing';`;

/** Makes our table, in the schema of BullMQ's, where it is not there. */
export async function makeTable(query: Query): Promise<void> {
  await makeMissing(query, `${TABLE}_by_expiry`, TABLES);
}

/** Makes a table or an index where it is not there, alone until that is done: together, it is one transaction. */
export async function makeMissing(query: Query, name: string, statements: string): Promise<void> {
  const { rows } = await query('SELECT to_regclass($1) AS found', [name]);
  if (rows[0]?.found === null) await query(`SELECT pg_advisory_xact_lock(738125); ${statements}`);
}

const columns = (names: readonly string[]) => names.map(name => `"${name}"`).join();
const RECORD = columns(RECORD_FIELDS);

const insert = (installation: string) => `
  INSERT INTO ${TABLE} (installation, ${columns(ALL_FIELDS)})
  SELECT ${installation}, ${columns(ALL_FIELDS)} FROM json_populate_recordset(NULL::${TABLE}, $2::json)
  ON CONFLICT DO NOTHING RETURNING "taskRef"`;
const INSERT = insert('$1');
/** A message follows, and takes the task to the disk with it. That of a task with a key may not: the key may be another's. */
const INSERT_UNSYNCED = insert(UNSYNCED_TEXT);

const EXPIRED = `installation = $1 AND status <> 'processing' AND "expiresAt" <= $2`;

export interface PostgresRecordsOptions {
  readonly installation: string;
  /** The full name of an operation's queue. */
  readonly queue: (operation: string) => string;
  /** Listens on `CHANNEL`. */
  readonly listen: (onMessage: (message: string) => void, onGap: () => void) => Promise<void>;
}

type ChangeRow = Record<string, unknown> & { readonly taskRef: string };
type Shape = Pick<RecordChange, 'from' | 'word' | 'begins'>;

const NUMBERS = /^(createdAt|updatedAt|startedAt|endedAt|expiresAt|excusedRuns|waitedMs|ifVersion)$/;
const typeOf = (name: string) => (NUMBERS.test(name) ? 'bigint' : 'text');

/** The records on a PostgreSQL: the rows of one table. */
export function postgresRecords(
  query: Query,
  { installation, queue, listen }: PostgresRecordsOptions,
): RecordStore {
  const select = async (text: string, ...values: unknown[]): Promise<readonly TaskFields[]> =>
    (await query(text, [installation, ...values])).rows as readonly TaskFields[];

  /** Changes that are alike, of several tasks: one sync to disk serves all. */
  const changes = new Map<string, GroupedAdds<ChangeRow, TaskFields | undefined>>();

  async function changeAll(
    names: readonly string[],
    { from, word, begins }: Shape,
    group: readonly ChangeRow[],
  ) {
    const sets = [...names.map(name => `"${name}" = wanted."${name}"`), 'version = task.version + 1'];
    if (begins) sets.push('"runCount" = task."runCount" + 1');
    const types = [...names, 'taskRef', 'ifWorker', 'ifVersion'].map(name => `"${name}" ${typeOf(name)}`);
    const returned = begins ? [...RECORD_FIELDS, 'parameters'] : ['taskRef'];
    // A statement changes each task once: of several changes of one task, the first counts.
    const firsts = new Map(group.toReversed().map(change => [change.taskRef, change]));
    const notify = word === undefined ? '' : `, pg_notify('${CHANNEL}', $1 || ' ${word} ' || task."taskRef")`;
    const rows = await select(
      `UPDATE ${TABLE} AS task SET ${sets.join()} FROM json_to_recordset($2::json) AS wanted(${types.join()})
        WHERE task.installation = $1 AND task."taskRef" = ANY($5) AND task."taskRef" = wanted."taskRef"
          AND ($4::text[] IS NULL OR task.status = ANY($4))
          AND (task.status = 'processing' OR task."expiresAt" > $3)
          AND (wanted."ifWorker" IS NULL OR task.worker = wanted."ifWorker")
          AND (wanted."ifVersion" IS NULL OR task.version = wanted."ifVersion")
      RETURNING ${returned.map(name => `task."${name}"`).join()}${notify}`,
      JSON.stringify([...firsts.values()]),
      Date.now(),
      from ?? null,
      // Without it, a table that PostgreSQL has not analyzed yet is read for every change.
      [...firsts.keys()],
    );
    const changed = new Map(rows.map(row => [row.taskRef, row]));
    return group.map(change =>
      firsts.get(change.taskRef) === change ? changed.get(change.taskRef) : undefined,
    );
  }

  async function insertAll(tasks: readonly NewFields[]): Promise<readonly string[]> {
    const defaults = { version: 1, runCount: 0, excusedRuns: 0, waitedMs: 0 };
    const text = tasks.some(({ key }) => key !== null) ? INSERT : INSERT_UNSYNCED;
    const added = await select(text, JSON.stringify(tasks.map(task => ({ ...defaults, ...task }))));
    const isAdded = new Set(added.map(({ taskRef }) => taskRef));
    const others = tasks.filter(({ taskRef }) => !isAdded.has(taskRef));
    if (others.length === 0) return tasks.map(({ taskRef }) => taskRef);
    const found = await select(
      `SELECT key, "taskRef" FROM ${TABLE} WHERE installation = $1 AND key = ANY($2)`,
      others.map(({ key }) => key),
    );
    const holders = new Map(found.map(({ key, taskRef }) => [key, String(taskRef)]));
    return tasks.map(({ taskRef, key }) =>
      isAdded.has(taskRef) ? taskRef : (holders.get(key ?? null) ?? taskRef),
    );
  }
  const inserts = new GroupedAdds(insertAll);

  return {
    isOrdered: false,
    insert: task => inserts.add(task),
    async read(taskRef) {
      const text = `SELECT ${RECORD}, result FROM ${TABLE} WHERE installation = $1 AND "taskRef" = $2`;
      return (await select(text, taskRef))[0];
    },
    readMany(taskRefs) {
      const text = `SELECT ${RECORD} FROM ${TABLE} WHERE installation = $1 AND "taskRef" = ANY($2)`;
      return select(text, taskRefs);
    },
    async holderOf(key) {
      const text = `SELECT "taskRef" FROM ${TABLE} WHERE installation = $1 AND key = $2`;
      return (await select(text, key))[0]?.taskRef as string | undefined;
    },
    change(taskRef, { set, worker, version, ...shape }: RecordChange) {
      const names = Object.keys(set);
      const key = JSON.stringify([names, shape]);
      const add = (group: readonly ChangeRow[]) => changeAll(names, shape, group);
      const same = changes.get(key) ?? new GroupedAdds(add);
      changes.set(key, same);
      return same.add({ ...set, taskRef, ifWorker: worker, ifVersion: version });
    },
    async newest({ ownerDigest, operation, statuses, count, after }: NewestQuery) {
      const values: unknown[] = [installation, after.createdAt, after.taskRef, count, statuses];
      const place = (value: unknown) => `$${values.push(value)}`;
      const isOwned = ownerDigest === undefined ? 'TRUE' : `"ownerDigest" = ${place(ownerDigest)}`;
      const isWanted =
        operation === undefined ? 'status = ANY($5)' : `status = ANY($5) AND operation = ${place(operation)}`;
      const { rows } = await query(
        `SELECT ${RECORD}, is_wanted, place
           FROM (SELECT *, ${isWanted} AS is_wanted, row_number() OVER (ORDER BY "createdAt" DESC, "taskRef" DESC) AS place
                   FROM (SELECT ${RECORD}, operation FROM ${TABLE}
                          WHERE installation = $1 AND ${isOwned} AND ("createdAt", "taskRef") < ($2, $3)
                          ORDER BY "createdAt" DESC, "taskRef" DESC LIMIT ${LOOKED_AT}) AS looked_at) AS placed
          WHERE is_wanted OR place = ${LOOKED_AT}
          ORDER BY place LIMIT $4`,
        values,
      );
      const last = rows.at(-1);
      const isCut = rows.length === count || Number(last?.place) === LOOKED_AT;
      const reached = { createdAt: Number(last?.createdAt), taskRef: String(last?.taskRef) };
      return { tasks: rows.filter(row => row.is_wanted), reached: isCut && last ? reached : undefined };
    },
    ofStatus({ operation, status, count, oldestFirst = false }: OfStatus) {
      const text = `
        SELECT ${RECORD} FROM ${TABLE} WHERE installation = $1 AND operation = $2 AND status = $3
         ORDER BY "updatedAt" ${oldestFirst ? 'ASC' : 'DESC'} LIMIT $4`;
      return select(text, operation, status, count);
    },
    async operations() {
      const first = (more: string) =>
        `(SELECT operation FROM ${TABLE} WHERE installation = $1 ${more} ORDER BY operation LIMIT 1)`;
      const text = `
        WITH RECURSIVE known AS (
          ${first('')}
          UNION ALL SELECT ${first('AND operation > known.operation')} FROM known WHERE known.operation IS NOT NULL)
        SELECT operation FROM known WHERE operation IS NOT NULL`;
      return (await select(text)).map(({ operation }) => String(operation));
    },
    async counts(operation) {
      const text = `
        SELECT status, count(*)::integer AS tasks FROM ${TABLE}
         WHERE installation = $1 AND operation = $2 GROUP BY status`;
      const { rows } = await query(text, [installation, operation]);
      return Object.fromEntries(rows.map(({ status, tasks }) => [status as RecordStatus, Number(tasks)]));
    },
    async lost(operation) {
      const text = `
        SELECT "taskRef", worker FROM ${TABLE} AS task LEFT JOIN job
            ON job.queue = $3 AND job.id = task."taskRef" AND job.lock_token = task.worker AND job.state = 'active'
           AND job.locked_until_ms > extract(epoch FROM clock_timestamp()) * 1000
         WHERE task.installation = $1 AND task.operation = $2 AND task.status = 'processing' AND job.id IS NULL`;
      const found = await select(text, operation, queue(operation));
      return found.map(({ taskRef, worker }) => ({ taskRef: String(taskRef), worker: String(worker) }));
    },
    async expired(count) {
      const text = `SELECT "taskRef" FROM ${TABLE} WHERE ${EXPIRED} ORDER BY "expiresAt" LIMIT $3`;
      return (await select(text, Date.now(), count)).map(({ taskRef }) => String(taskRef));
    },
    async remove(taskRefs) {
      await select(`DELETE FROM ${TABLE} WHERE ${EXPIRED} AND "taskRef" = ANY($3)`, Date.now(), taskRefs);
    },
    listen({ onWord, onGap }: ChangeListener) {
      return listen(message => {
        const [from, word, taskRef = ''] = message.split(' ');
        if (from === installation) onWord(taskRef, word as ChangeWord);
      }, onGap);
    },
  };
}
