import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { reasonOf } from '../../storage/failure-reason.js';
import { replaceFile } from '../../storage/replace-file.js';
import { makeFolder, stateFolder } from '../../storage/state-folder.js';
import { decodeText, encodeTextLike } from '../../storage/text-file.js';
import { PromptReader } from '../ask/line-reader.js';
import { canAsk } from '../ask/terminal-asker.js';
import { ExitCode, UsageError } from '../exit-code.js';
import { watchInterrupts } from '../interrupts.js';
import type { CommandIo } from '../io.js';
import { printLines } from '../report.js';
import { BIN } from '../server-choice.js';
import { plainText } from '../terminal-text.js';
import { HOST_FILES, type HostFile, type HostPlace } from './host-files.js';
import { type EntryChange, type ServerEntry, serversIn, withEntries, withOriginals } from './server-file.js';
import { differenceLines, type Entry, isBehindProxy, wrapEntry } from './wrap-entry.js';

export interface InstallFlags {
  readonly file?: string;
  readonly project?: boolean;
  readonly servers?: string;
  readonly local?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
}

/** A host's file as it was read. */
export interface ReadHostFile {
  readonly host: HostFile;
  /** Where it really is, behind all links. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly servers: readonly ServerEntry[];
}

const MAX_BYTES = 64 * 1024 * 1024;

/** `mcp-await install`: puts the proxy before the servers of a host's file, or takes it away again. */
export async function install(name: string, flags: InstallFlags, io: CommandIo): Promise<number> {
  const host = HOST_FILES.find(each => each.name === name);
  if (host === undefined) throw new UsageError(`There is no host ${name}.`);
  const place = hostPlace(io);
  const read = readHostFile(host, pathOf(host, flags, place), place);
  const plan = flags.undo === true ? undoPlan(read, flags, io) : installPlan(read, flags, io);
  if (plan === undefined) return ExitCode.completed;
  printLines(io, [
    read.file,
    ...plan.changes.flatMap(change => [`  ${change.path.at(-1)}`, ...indented(change)]),
  ]);
  if (flags.yes !== true && !(await isAgreed(host, io))) {
    io.stderr.write('Nothing was written.\n');
    return ExitCode.completed;
  }
  plan.write();
  io.stderr.write(`${plan.done}\n${host.next}\n`);
  return ExitCode.completed;
}

function indented({ before, after }: EntryChange): readonly string[] {
  return differenceLines(before, after).map(line => `    ${line}`);
}

/** Where hosts keep their files on this machine. */
export function hostPlace(io: CommandIo): HostPlace {
  const home = io.env.HOME || io.env.USERPROFILE || homedir();
  return { platform: process.platform, home, env: io.env, cwd: io.cwd() };
}

function pathOf(host: HostFile, { file, project }: InstallFlags, place: HostPlace): string {
  if (file !== undefined && project === true) throw new UsageError('Give --file or --project, not both.');
  if (file !== undefined) return resolve(place.cwd, file);
  if (project !== true) return host.user(place);
  if (host.project === undefined)
    throw new UsageError(`${host.title} has no file of a project: leave --project out.`);
  return resolve(place.cwd, host.project);
}

/** @throws UsageError when it is not there, or cannot be read */
export function readHostFile(host: HostFile, path: string, place: HostPlace): ReadHostFile {
  const bytes = bytesOf(host, path, place);
  const text = decodeText(bytes);
  if (!Buffer.from(encodeTextLike(text, bytes)).equals(bytes))
    throw new UsageError(`The file ${path} is no text in UTF-8 or UTF-16. Nothing was changed.`);
  const servers = serversIn(text, { format: host.format, keys: host.keys(place), file: path });
  return { host, file: realpathSync(path), bytes, text, servers };
}

function bytesOf(host: HostFile, path: string, place: HostPlace): Uint8Array {
  const { title, project } = host;
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= MAX_BYTES) return bytes;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const others = project === undefined ? '' : `, --project is ${project} in this folder`;
    throw new UsageError(
      code === 'ENOENT'
        ? `There is no file ${path}: ${title} is told of no servers there. ${howToAdd(host, place)} --file names another file${others}.`
        : `The file ${path} cannot be read: ${reasonOf(cause, 'name another with --file')}`,
      { cause },
    );
  }
  throw new UsageError(
    `The file ${path} is larger than ${MAX_BYTES / 1024 / 1024} MiB. Nothing was changed.`,
  );
}

/** How a host is told of its first server. */
function howToAdd({ format, keys }: HostFile, place: HostPlace): string {
  const key = keys(place)[0]?.join('.') ?? '';
  const server = { command: 'npx', args: ['-y', 'PACKAGE'] };
  const entry =
    format === 'toml'
      ? `[${key}.NAME] with command = "npx" and args = ["-y", "PACKAGE"]`
      : JSON.stringify({ [key]: { NAME: server } });
  return `Add a server to it first, such as ${entry}, and run this again.`;
}

/** What is going to be written, and what a person is told of it then. */
interface Plan {
  readonly changes: readonly EntryChange[];
  readonly write: () => void;
  readonly done: string;
}

function installPlan(read: ReadHostFile, flags: InstallFlags, io: CommandIo): Plan | undefined {
  const { host, servers } = read;
  const program = flags.local === true ? [process.execPath, BIN] : PUBLISHED;
  const changes: EntryChange[] = [];
  for (const { name, path, entry } of chosen(read, flags)) {
    const wrapping = wrapEntry(entry, { host, program });
    if (wrapping.kind === 'wrapped') changes.push({ path, before: entry as Entry, after: wrapping.entry });
    if (wrapping.kind === 'behind') io.stderr.write(`${plainText(name)} is behind the proxy already.\n`);
    if (wrapping.kind === 'skipped') io.stderr.write(`${plainText(name)} stays as it is: ${wrapping.why}.\n`);
  }
  if (changes.length === 0) {
    const none =
      servers.length === 0 ? `${read.file} names no servers. ${howToAdd(host, hostPlace(io))} ` : '';
    return void io.stderr.write(`${none}There is nothing to change.\n`);
  }
  const content = encodeTextLike(withEntries(read.text, changes, host.format), read.bytes);
  const undo = `mcp-await install ${host.name}${flags.project ? ' --project' : ''}${flags.file === undefined ? '' : ` --file ${read.file}`} --undo`;
  return {
    changes,
    write() {
      const copy = keepCopy(read.file, read.bytes, content, io);
      try {
        replaceFile(read.file, content, read.bytes);
      } catch (error) {
        removeCopies(copiesOf(read.file, io).filter(({ path }) => path === copy));
        throw error;
      }
    },
    done: `${read.file} is written. \`${undo}\` takes it back.`,
  };
}

const PUBLISHED = [...(process.platform === 'win32' ? ['cmd', '/c'] : []), 'npx', '-y', 'mcp-await'];

function undoPlan(read: ReadHostFile, flags: InstallFlags, io: CommandIo): Plan | undefined {
  const { host, file, text } = read;
  const copies = copiesOf(file, io);
  const behind = chosen(read, flags).filter(({ entry }) => isBehindProxy(entry));
  if (behind.length === 0)
    return void io.stderr.write('No server is behind the proxy: there is nothing to take back.\n');
  let next = text;
  const changes: EntryChange[] = [];
  for (const { name, path, entry } of behind) {
    const found = copies.flatMap(({ content }) => originalOf(path, decodeText(content), read))[0];
    if (found === undefined) {
      io.stderr.write(`${plainText(name)} stays as it is: there is no copy of how it was.\n`);
      continue;
    }
    next = withOriginals(next, found.text, { paths: [path], format: host.format });
    changes.push({ path, before: entry as Entry, after: found.entry });
  }
  if (changes.length === 0) return undefined;
  const [newest] = copies;
  const isWhole = changes.length === behind.length && flags.servers === undefined;
  // Nobody has touched the file since: it becomes what it was, byte by byte.
  const isUntouched = isWhole && copies.length === 1 && newest?.isFollowedBy(read.bytes) === true;
  const content = isUntouched ? newest.content : encodeTextLike(next, read.bytes);
  return {
    changes,
    write() {
      replaceFile(file, content, read.bytes);
      if (isWhole) removeCopies(copies);
    },
    done: `${file} is written: ${changes.length === 1 ? 'the server is' : 'the servers are'} as before.`,
  };
}

/** How a server was in an older text, where it was not behind the proxy. */
function originalOf(path: readonly string[], text: string, { host, file }: ReadHostFile) {
  const [found] = serversIn(text, { format: host.format, keys: [path.slice(0, -1)], file }).filter(
    ({ name }) => name === path.at(-1),
  );
  return found === undefined || isBehindProxy(found.entry) ? [] : [{ text, entry: found.entry as Entry }];
}

/** @throws UsageError when one is named that is not there */
function chosen({ servers, file }: ReadHostFile, flags: InstallFlags): readonly ServerEntry[] {
  if (flags.servers === undefined) return servers;
  const names = flags.servers.split(',').map(name => name.trim());
  const missing = names.find(name => !servers.some(each => each.name === name));
  if (missing !== undefined)
    throw new UsageError(
      `There is no server ${plainText(missing)} in ${file}. It has: ${servers.map(({ name }) => plainText(name)).join(', ') || 'none'}.`,
    );
  return servers.filter(({ name }) => names.includes(name));
}

/** @throws UsageError when nobody can be asked */
async function isAgreed(host: HostFile, io: CommandIo): Promise<boolean> {
  if (!canAsk(io))
    throw new UsageError('Nothing was written: there is no terminal to ask at. --yes writes it.');
  if (host.name === 'claude-code') io.stderr.write(`${host.next}\n`);
  using interrupts = watchInterrupts(io);
  using lines = new PromptReader(io);
  const answer = await lines.read('Write this? [y/N] ', interrupts.first);
  return /^y(es)?$/i.test(answer.trim());
}

/** A file of a host as it was before a change of ours. */
interface Copy {
  readonly path: string;
  readonly content: Uint8Array;
  /** Whether this is what our change has made of it. */
  readonly isFollowedBy: (content: Uint8Array) => boolean;
}

/** Copies hold secrets: they are kept in the state folder, for this user only. */
const folderOf = (io: CommandIo) => join(stateFolder(io.env), 'host-files');

const digest = (content: Uint8Array | string) =>
  createHash('sha256').update(content).digest('hex').slice(0, 20);

/** Keeps a copy of what a file has now. @returns its path */
function keepCopy(file: string, before: Uint8Array, after: Uint8Array, io: CommandIo): string {
  const folder = folderOf(io);
  makeFolder(folder);
  // Names sort by time.
  const path = join(folder, `${digest(file)}-${Date.now()}-${digest(after)}`);
  writeFileSync(path, before, { mode: 0o600, flag: 'wx' });
  return path;
}

/** The copies of a file, the newest first. */
function copiesOf(file: string, io: CommandIo): readonly Copy[] {
  const names = namesIn(folderOf(io)).filter(name => name.startsWith(`${digest(file)}-`));
  return names
    .sort()
    .reverse()
    .map(name => {
      const path = join(folderOf(io), name);
      return {
        path,
        content: readFileSync(path),
        isFollowedBy: content => name.endsWith(`-${digest(content)}`),
      };
    });
}

function removeCopies(copies: readonly Copy[]): void {
  for (const { path } of copies) rmSync(path, { force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
