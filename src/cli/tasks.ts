import { MAX_LIST_LIMIT, STATUS_BY_STATE, type StateWord, stateOf } from '../engine/task-list.js';
import type { TaskRecord } from '../engine/task-record.js';
import { taskMessage } from '../server/mcp-status.js';
import { formatDuration } from '../time/duration.js';
import type { SettingsFlag } from './config/find-file.js';
import { useSettings } from './config/load-settings.js';
import { openExistingStore } from './existing-store.js';
import { ExitCode } from './exit-code.js';
import { givenFlags } from './given-flags.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { oneLine } from './terminal-text.js';
import { tableLines } from './text-table.js';

export interface TasksFlags extends SettingsFlag {
  readonly state?: readonly StateWord[];
  readonly operation?: string;
  readonly owner?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = 50;

const HEAD = ['task', 'owner', 'state', 'age', 'ran', 'message'];

/** `mcp-await tasks`: the tasks of a store, the newest first. */
export async function tasks(flags: TasksFlags, io: CommandIo): Promise<number> {
  const { limit = DEFAULT_LIMIT, json } = flags;
  const engine = await openExistingStore(await useSettings(flags, io), io);
  try {
    const records: TaskRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.list({
        owner: flags.owner,
        statuses: flags.state?.map(word => STATUS_BY_STATE[word]),
        operation: flags.operation,
        limit: Math.min(limit - records.length, MAX_LIST_LIMIT),
        cursor,
      });
      records.push(...page.tasks);
      cursor = page.nextCursor;
    } while (cursor !== undefined && records.length < limit);
    const now = Date.now();
    if (json === true) printJson(io, records.map(jsonOf));
    else if (records.length === 0) io.stderr.write(nothingFound(flags));
    else printLines(io, tableLines([HEAD, ...records.map(record => tableRow(record, now))], 'left'));
    if (json !== true && cursor !== undefined)
      io.stderr.write(`There are more: --limit ${limit * 10} shows up to ${limit * 10}.\n`);
    return ExitCode.completed;
  } finally {
    await engine.close();
  }
}

/** What to do where the flags may have left tasks out. */
function nothingFound(flags: TasksFlags): string {
  const names = givenFlags(flags, ['--state', '--operation', '--owner']);
  return names.length === 0
    ? 'The store holds no tasks. `mcp-await list` lists the jobs of this machine, on any server.\n'
    : `The store holds no such tasks; without ${names.join(' and ')} it may.\n`;
}

function tableRow(record: TaskRecord, now: number): string[] {
  const { taskRef, owner, createdAt, startedAt, endedAt = now } = record;
  return [
    taskRef,
    oneLine(owner),
    stateOf(record),
    inSeconds(now - createdAt),
    startedAt === undefined ? '-' : inSeconds(endedAt - startedAt),
    oneLine(taskMessage(record) ?? ''),
  ];
}

function inSeconds(durationMs: number): string {
  return formatDuration(Math.max(0, Math.floor(durationMs / 1000)) * 1000);
}

function jsonOf(record: TaskRecord) {
  const { taskRef, owner, operation, createdAt, updatedAt, startedAt, endedAt, expiresAt } = record;
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  return {
    taskRef,
    owner,
    operation,
    state: stateOf(record),
    progress: record.progress ?? null,
    error: record.error ?? null,
    runCount: record.runCount,
    createdAt: time(createdAt),
    startedAt: time(startedAt),
    updatedAt: time(updatedAt),
    endedAt: time(endedAt),
    expiresAt: time(expiresAt),
  };
}
