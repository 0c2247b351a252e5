import { SIGN_IN } from '../../client/authorization/sign-in.js';
import { configFileOf, listServers } from '../../client/connect/mcp-config.js';
import type { Settings } from '../../server/config/config-schema.js';
import { atMost, TimeLimitError } from '../../time/at-most.js';
import { formatDuration } from '../../time/duration.js';
import type { SettingsFlag } from '../config/find-file.js';
import { errorFacts } from '../error-report.js';
import type { CommandIo } from '../io.js';
import { bounded, type Finding, failed, ok, warning } from './finding.js';

export interface ServerCheckFlags extends SettingsFlag {
  readonly config?: string;
  readonly server?: string;
  /** Milliseconds for each server. */
  readonly serverTimeout?: number;
}

const SERVER_MS = 30_000;
/** To let a server end. */
const CLOSE_MS = 5000;
const SERVERS_AT_ONCE = 4;

/** A finding for each server of the file, in its order; some at a time. */
export function lookAtServers(
  flags: ServerCheckFlags,
  settings: Settings,
  io: CommandIo,
): readonly Promise<Finding>[] {
  const source = { configFile: flags.config, directory: io.cwd(), environment: io.env };
  const timeoutMs = flags.serverTimeout ?? SERVER_MS;
  const finished: Promise<unknown>[] = [];
  const names = namesIn(source, flags);
  if ('check' in names) return [Promise.resolve(names)];
  return names.map(({ name, isDisabled }, index) => {
    const check = `server ${name}`;
    if (isDisabled) return Promise.resolve(ok(check, 'is switched off'));
    const turn = finished[index - SERVERS_AT_ONCE] ?? Promise.resolve();
    const found = turn.then(() =>
      bounded(check, timeoutMs + CLOSE_MS * 2, () =>
        checkServer({ check, name, timeoutMs, flags, settings, io }),
      ),
    );
    finished[index] = found;
    return found;
  });
}

function namesIn(source: Parameters<typeof listServers>[0], { server }: ServerCheckFlags) {
  const check = 'servers';
  try {
    const all = listServers(source);
    const names = server === undefined ? all : all.filter(({ name }) => name === server);
    const file = configFileOf(source);
    if (server !== undefined && names.length === 0)
      return failed(
        check,
        `there is no server ${server} in ${file ?? 'any .mcp.json or mcp.json here or above'}.`,
        all.length === 0
          ? 'name the file with --config'
          : `name one of ${all.map(({ name }) => name).join(', ')}, or another file with --config`,
      );
    if (file === undefined)
      return ok(
        check,
        'no .mcp.json or mcp.json here or above; --config names a file whose servers are looked at',
      );
    if (names.length === 0)
      return warning(
        check,
        `${file} names no servers, or belongs to another user and is not read.`,
        'name the file with --config',
      );
    return names;
  } catch (error) {
    return failed(check, errorFacts(error).message);
  }
}

interface ServerCheck {
  readonly check: string;
  readonly name: string;
  readonly timeoutMs: number;
  readonly flags: ServerCheckFlags;
  readonly settings: Settings;
  readonly io: CommandIo;
}

/** Whether a server starts, lists its tools, and has pairs among them. */
async function checkServer({ check, name, timeoutMs, flags, settings, io }: ServerCheck): Promise<Finding> {
  const { AwaitClient } = await import('../../client/await-client.js');
  const { openSignIns } = await import('../sign-in/sign-in.js');
  const late = new AbortController();
  const remedy = `mcp-await tools --server ${name}${flags.config === undefined ? '' : ` --config ${flags.config}`} shows more`;
  const startedAt = performance.now();
  const work = async (): Promise<Finding> => {
    using signIns = openSignIns({
      io,
      name,
      config: flags.config,
      isAttended: () => false,
      opensBrowser: false,
    });
    const client = await AwaitClient.connect(name, {
      ...settings.connection,
      configFile: configFileOf({ configFile: flags.config, directory: io.cwd() }),
      [SIGN_IN]: target => signIns.providerOf(target),
      signal: late.signal,
    });
    try {
      const connectedMs = performance.now() - startedAt;
      const tools = await client.explainTools();
      const count = (what: (tool: (typeof tools)[number]) => boolean) => tools.filter(what).length;
      const pairs = count(({ protocol, hidden }) => protocol === 'tool-pair' && !hidden);
      const possible = count(
        ({ protocol, found }) =>
          protocol === 'sync' &&
          found !== undefined &&
          found.evidence.every(({ points }) => points !== undefined),
      );
      const tasks = count(({ protocol }) => protocol.startsWith('tasks-'));
      return ok(
        check,
        `starts in ${formatDuration(connectedMs)}, ${tools.length} tools, ${pairs} start/status pairs and ${possible} possible ones, ${tasks} tasks of MCP`,
      );
    } finally {
      await atMost(client.close(), CLOSE_MS).catch(() => {});
    }
  };
  try {
    return await atMost(work(), timeoutMs);
  } catch (error) {
    late.abort(error);
    const says =
      error instanceof TimeLimitError
        ? `has not started and listed its tools within ${formatDuration(timeoutMs)}.`
        : errorFacts(error).message;
    return failed(check, says, remedy);
  }
}
