import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openEngine } from '../../engine/open-engine.js';
import type { Settings } from '../../server/config/config-schema.js';
import { maskSecrets } from '../../server/config/mask-secrets.js';
import { defaultStoreUrl, isMissing, stateFolder } from '../../storage/state-folder.js';
import { formatDuration } from '../../time/duration.js';
import { asStarted } from '../command-name.js';
import { useSettings } from '../config/load-settings.js';
import { errorFacts } from '../error-report.js';
import { ExitCode } from '../exit-code.js';
import { HOST_FILES, type HostFile, type HostPlace } from '../install/host-files.js';
import { hostPlace, readHostFile } from '../install/install.js';
import { isBehindProxy } from '../install/wrap-entry.js';
import type { CommandIo } from '../io.js';
import { withJobs } from '../jobs.js';
import { printJson, printLines } from '../report.js';
import { plainText } from '../terminal-text.js';
import { bounded, type Finding, failed, ok, warning } from './finding.js';
import { lookAtServers, type ServerCheckFlags } from './server-checks.js';

export interface DoctorFlags extends ServerCheckFlags {
  readonly json?: boolean;
}

const MIN_NODE = [20, 18, 1] as const;
const MIN_FREE_BYTES = 100 * 1024 * 1024;
/** For everything but servers, which may be slow to start. */
const CHECK_MS = 15_000;
const SIGNS = { ok: '✔', warning: '!', failed: '✖' } as const;

/** `mcp-await doctor`: looks at all that calls stand on. Each check ends in its time, and none changes anything. */
export async function doctor(flags: DoctorFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  const findings: Finding[] = [];
  const tell = (found: readonly Finding[]) => {
    findings.push(...found);
    if (flags.json !== true)
      printLines(
        io,
        found.map(finding => asStarted(lineOf(finding), io)),
      );
  };
  tell([checkNode(process.versions.node)]);
  tell([checkFolder(stateFolder(io.env), process.getuid?.())]);
  tell([await bounded('store', CHECK_MS, () => checkStore(settings, io))]);
  tell([await bounded('journal', CHECK_MS, () => checkJournal(io))]);
  const place = hostPlace(io);
  tell(HOST_FILES.flatMap(host => checkHost(host, place)));
  for (const found of lookAtServers(flags, settings, io)) tell([await found]);
  if (flags.json === true) printJson(io, findings);
  return findings.some(({ status }) => status === 'failed') ? ExitCode.failed : ExitCode.completed;
}

function lineOf({ check, status, says, remedy }: Finding): string {
  return plainText(`${SIGNS[status]} ${check}: ${says}${remedy === undefined ? '' : ` → ${remedy}`}`);
}

export function checkNode(version: string): Finding {
  const parts = version.split('.').map(Number);
  const difference =
    MIN_NODE.map((least, index) => (parts[index] ?? 0) - least).find(each => each !== 0) ?? 0;
  return difference >= 0
    ? ok('node', version)
    : failed('node', `${version} is too old.`, `install Node ${MIN_NODE.join('.')} or newer`);
}

/** @param user the id of who runs this, where the system has ids */
export function checkFolder(folder: string, user: number | undefined): Finding {
  const check = 'state folder';
  const place = nearest(folder);
  const stats = statSync(place);
  const elsewhere = 'name another with MCP_AWAIT_HOME';
  if (!stats.isDirectory()) return failed(check, `${place} is a file.`, `move it away, or ${elsewhere}`);
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch {
    return failed(check, `${place} may not be written.`, `change its permissions, or ${elsewhere}`);
  }
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const space = `${Math.floor(free / 1024 / 1024)} MiB free`;
  if (free < MIN_FREE_BYTES)
    return failed(check, `${place} has only ${space}.`, `free some space, or ${elsewhere}`);
  if (place !== folder) return ok(check, `${folder} will be made at first use, ${space}`);
  if (user !== undefined && stats.uid !== user)
    return failed(
      check,
      `${folder} belongs to another user.`,
      `give it to yourself (chown), or ${elsewhere}`,
    );
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    return warning(
      check,
      `others may look into ${folder}, which holds arguments and results.`,
      `chmod 700 ${folder}`,
    );
  return ok(check, `${folder}, ${space}`);
}

/** The folder, or what there is of those above it. */
function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

async function checkStore({ state }: Settings, io: CommandIo): Promise<Finding> {
  const check = 'store';
  const url = state.provider ?? defaultStoreUrl(io.env);
  const shown = maskSecrets(url);
  const file = /^sqlite:(.+)$/i.exec(url)?.[1];
  if (file !== undefined && file !== ':memory:' && isMissing(file))
    return ok(check, `${shown} will be made at first use`);
  const startedAt = performance.now();
  const engine = await openEngine(url, { leaseMs: state.leaseSeconds * 1000, keyPrefix: state.keyPrefix });
  try {
    const operations = await engine.stats(1000);
    const waiting = operations.reduce((sum, each) => sum + each.pending, 0);
    const took = formatDuration(performance.now() - startedAt);
    return ok(check, `${shown} opens in ${took}, ${waiting} tasks waiting`);
  } finally {
    await engine.close();
  }
}

async function checkJournal(io: CommandIo): Promise<Finding> {
  const check = 'journal';
  const records = await withJobs(io, journal => journal.list({ all: false }));
  if (records === undefined) return ok(check, 'will be made at first use');
  return ok(check, `${join(stateFolder(io.env), 'journal.db')} opens, ${records.length} jobs open`);
}

/** The files of a host that there are: which of its servers meet its patience alone. */
function checkHost(host: HostFile, place: HostPlace): readonly Finding[] {
  const files = [
    { path: host.user(place), flag: '' },
    ...(host.project === undefined ? [] : [{ path: join(place.cwd, host.project), flag: ' --project' }]),
  ];
  return files
    .filter(({ path }) => existsSync(path))
    .flatMap(({ path, flag }): readonly Finding[] => {
      const check = host.title;
      try {
        const { servers } = readHostFile(host, path, place);
        if (servers.length === 0) return [];
        const open = servers.filter(({ entry }) => !isBehindProxy(entry)).map(({ name }) => name);
        if (open.length === 0)
          return [ok(check, `${path}: all ${servers.length} servers are behind the proxy`)];
        const says = `${path}: ${open.join(', ')} without the proxy; it ${host.patience}.`;
        return [warning(check, says, `mcp-await install ${host.name}${flag}`)];
      } catch (error) {
        return [failed(check, errorFacts(error).message)];
      }
    });
}
