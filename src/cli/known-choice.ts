import { existsSync } from 'node:fs';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { describeServer } from '../client/journal/known-server.js';
import { UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';

/** A server as flags and a command choose it. */
export interface Choice {
  readonly flags: ServerFlags;
  readonly command: readonly string[];
}

/**
 * The choice of a server that leads to where a job runs: what the command line says, else what the journal knows.
 * @throws UsageError when the journal does not know enough
 */
export function chooseAgain(
  record: JournalRecord | undefined,
  flags: ServerFlags,
  command: readonly string[],
): Choice {
  if (record === undefined || namesServer(flags, command)) return { flags, command };
  const { server } = record;
  const incomplete = (what: string, how: string) =>
    new UsageError(
      `The journal does not keep ${what}, of ${describeServer(server)}. Name the server again: ${how}.`,
    );
  switch (server.kind) {
    case 'http':
      if (server.isPartial) throw incomplete('the query, user and password of a URL', '--url URL');
      if (server.headers !== undefined && flags.header === undefined && flags.headerEnv === undefined)
        throw incomplete(
          'the values of headers',
          `${server.headers.map(name => `--header '${name}: …'`).join(' ')}`,
        );
      return { flags: { ...flags, url: server.url }, command };
    case 'stdio':
      if (server.isPartial) throw incomplete('arguments that look secret', '-- COMMAND ARGS...');
      if (server.env !== undefined && flags.env === undefined)
        throw incomplete('the values of variables', server.env.map(name => `--env '${name}=…'`).join(' '));
      return { flags: { ...flags, ...folder(server.cwd) }, command: [server.command, ...server.args] };
    case 'named':
      return { flags: { ...flags, server: server.name, config: server.configFile }, command };
    case 'bundled':
      return {
        flags: { ...flags, ...folder(server.cwd), ...(server.settings && { settings: server.settings }) },
        command,
      };
    case 'other':
      throw incomplete('how a program has connected', '--url URL, --server NAME or -- COMMAND');
  }
}

/** A folder that is gone says nothing: the server may not need it. */
function folder(cwd: string): { readonly cwd?: string } {
  return existsSync(cwd) ? { cwd } : {};
}

/** Whether a command line says itself which server it is about. */
export function namesServer(
  { url, urlEnv, server, settings }: ServerFlags,
  command: readonly string[],
): boolean {
  return [url, urlEnv, server, settings, command[0]].some(choice => choice !== undefined);
}
