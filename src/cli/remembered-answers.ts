import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Readable, Transform, type Writable } from 'node:stream';
import { parseJson } from '../protocols/tool-result.js';
import { makeFolder, stateFolder } from '../storage/state-folder.js';
import { VERSION } from '../version.js';
import type { CommandIo } from './io.js';

const LIST_CHANGED = {
  'tools/list': 'notifications/tools/list_changed',
  'prompts/list': 'notifications/prompts/list_changed',
  'resources/list': 'notifications/resources/list_changed',
  'resources/templates/list': 'notifications/resources/list_changed',
} as const;

/** Most command lines, and most answers to each, that are remembered. */
const MAX_FILES = 64;
const MAX_ANSWERS = 32;
/** A longer answer, or a longer line of a client, is not looked at. */
const MAX_BYTES = 4 * 1024 * 1024;

/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32601;

const REVISION = 'io.modelcontextprotocol/protocolVersion';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: { readonly nextCursor?: unknown } | undefined;
  readonly error?: { readonly code?: unknown } | undefined;
}

interface Pending {
  readonly method: string;
  /** Stands for the request, whichever client sends it. */
  readonly key: string;
  /** What the client has been told; undefined where it waits for the server. */
  readonly told: string | undefined;
}

/**
 * What a server on the standard streams has answered to the first requests of earlier clients. A relay answers the same
 * requests at once, while the server still starts. The server gets them too; its own answers are kept for the next
 * start, and where a list is not what the client has been told, the client gets a `list_changed` notification.
 *
 * A client of 2026-07-28 hears of changes only where it listens, so that only its `server/discover` is answered.
 */
export class RememberedAnswers {
  readonly #file: string;
  readonly #answers: Map<string, string>;
  readonly #pending = new Map<string | number, Pending>();
  #session = '';
  #clientIsDone = false;
  #hasChanged = false;

  /** @param file an absolute path of this user's own */
  constructor(file: string) {
    this.#file = file;
    this.#answers = readAnswers(file);
  }

  /** Whether a client asks for more than a start needs, and the server owes no answer: nothing has to be read any more. */
  get isOver(): boolean {
    return this.#clientIsDone && this.#pending.size === 0;
  }

  /** The client's further lines are not for this. */
  stop(): void {
    this.#clientIsDone = true;
  }

  /** @returns the line that answers this line of the client's, without its end */
  fromClient(line: string): string | undefined {
    const { id, method, params } = readMessage(line);
    if (id === undefined || method === undefined) return undefined;
    const key = this.#keyOf(method, params);
    if (key === undefined) {
      this.#clientIsDone = true;
      return undefined;
    }
    const told = this.#answers.get(key);
    this.#pending.set(id, { method, key, told });
    return told && JSON.stringify({ jsonrpc: '2.0', id, ...JSON.parse(told) });
  }

  /** @returns what the client gets for this line of the server's: the line itself, another, or nothing */
  fromServer(line: string): string | undefined {
    if (this.#pending.size === 0) return line;
    const { id, method, result, error } = readMessage(line);
    const request = id === undefined || method !== undefined ? undefined : this.#pending.get(id);
    if (id === undefined || request === undefined) return line;
    this.#pending.delete(id);
    const answer = repeatablePart({ result, error });
    this.#learn(request.key, answer);
    if (request.told === undefined) return line;
    const notification = LIST_CHANGED[request.method as keyof typeof LIST_CHANGED];
    if (answer === request.told || notification === undefined) return undefined;
    return JSON.stringify({ jsonrpc: '2.0', method: notification });
  }

  /** Writes down what is new. A disk that refuses makes the next start slower, and no more. */
  save(): void {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    try {
      const folder = join(this.#file, '..');
      makeFolder(folder);
      const draft = `${this.#file}.${process.pid}`;
      writeFileSync(draft, JSON.stringify(Object.fromEntries(this.#answers)), { mode: 0o600 });
      renameSync(draft, this.#file);
      prune(folder);
    } catch {
      // As said above.
    }
  }

  /** Removes what is remembered of a server that did not come up. */
  forget(): void {
    try {
      rmSync(this.#file, { force: true });
    } catch {
      // `force` covers a file that is missing, but not a file in the place of its folder.
    }
  }

  #keyOf(method: string, params: Message['params'] = {}): string | undefined {
    const meta = (params._meta ?? {}) as Readonly<Record<string, unknown>>;
    if (method === 'server/discover') return keyOf([method, ...Object.entries(meta).filter(isOfClient)]);
    if (method === 'initialize') {
      const { protocolVersion, capabilities, clientInfo } = params;
      this.#session = keyOf([
        protocolVersion,
        capabilities,
        (clientInfo as { name?: unknown } | undefined)?.name,
      ]);
      return keyOf([method, this.#session]);
    }
    const isFirstPage = method in LIST_CHANGED && params.cursor === undefined;
    return isFirstPage && meta[REVISION] === undefined ? keyOf([method, this.#session]) : undefined;
  }

  #learn(key: string, answer: string | undefined): void {
    if (this.#answers.get(key) === answer) return;
    this.#hasChanged = true;
    this.#answers.delete(key);
    if (answer === undefined || answer.length > MAX_BYTES) return;
    this.#answers.set(key, answer);
    for (const oldest of this.#answers.keys())
      if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(oldest);
  }
}

/**
 * What the next process of the same server will answer, too: a whole result, or that it has no such method. The cursor of
 * a further page belongs to the process that gave it, and any other error to the moment.
 */
function repeatablePart({ result, error }: Message): string | undefined {
  if (error?.code === METHOD_NOT_FOUND) return JSON.stringify({ error });
  return result === undefined || result.nextCursor !== undefined ? undefined : JSON.stringify({ result });
}

/** Of what the client says of itself and the request, that which a server's answer may depend on. */
function isOfClient([name]: readonly [string, unknown]): boolean {
  return name.startsWith('io.modelcontextprotocol/');
}

function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function readMessage(line: string): Message {
  return parseJson(line) ?? {};
}

function readAnswers(file: string): Map<string, string> {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

function prune(folder: string): void {
  const files = readdirSync(folder).map(name => join(folder, name));
  if (files.length <= MAX_FILES) return;
  const age = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldestFirst = files.sort((a, b) => age(a) - age(b));
  for (const file of oldestFirst.slice(0, -MAX_FILES)) rmSync(file, { force: true });
}

/** What is remembered of the server that a command line starts here, with these variables and these files. */
export function rememberedAnswers(io: CommandIo): RememberedAnswers {
  const words = io.argv.slice(2);
  const named = words.map(word => resolve(io.cwd(), word.replace(/^--[^=]*=/, '')));
  const files = [...named, resolve(io.cwd(), '.mcp.json'), resolve(io.cwd(), 'mcp.json')].map(stateOfFile);
  // A flag such as --header-env names a variable.
  const isNamed = (name: string) => words.some(word => word === name || word.endsWith(`=${name}`));
  const variables = Object.entries(io.env).filter(([name]) => name.startsWith('MCP_AWAIT_') || isNamed(name));
  const name = keyOf([VERSION, words, io.cwd(), variables.sort(), files]);
  return new RememberedAnswers(join(stateFolder(io.env), 'first-answers', `${name}.json`));
}

function stateOfFile(file: string): readonly number[] | undefined {
  try {
    const stats = statSync(file);
    return stats.isFile() ? [stats.mtimeMs, stats.size] : undefined;
  } catch {
    return undefined;
  }
}

/** Calls `take` with each whole line, without its end; `rest` holds what has no end yet. */
class Lines {
  rest: Buffer = Buffer.alloc(0);

  add(chunk: Buffer, take: (line: string) => void): void {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      take(bytes.toString('utf8', 0, end));
      bytes = bytes.subarray(end + 1);
    }
    this.rest = bytes;
  }
}

/**
 * Puts the answers between a client and its server.
 * @param client what the client writes; it goes on flowing to the server
 * @param output where the client reads
 * @returns what the server writes goes through this stream to the output
 */
export function answerFrom(answers: RememberedAnswers, client: Readable, output: Writable): Transform {
  const asked = new Lines();
  const read = (chunk: Buffer) => {
    if (asked.rest.length > MAX_BYTES) answers.stop();
    if (answers.isOver) return void client.off('data', read);
    asked.add(chunk, line => {
      const answer = answers.fromClient(line);
      if (answer !== undefined) output.write(`${answer}\n`);
    });
  };
  client.on('data', read);
  const said = new Lines();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (answers.isOver && said.rest.length === 0) return done(null, chunk);
      said.add(chunk, line => {
        const told = answers.fromServer(line);
        if (told !== undefined) this.push(`${told}\n`);
      });
      answers.save();
      if (!answers.isOver) return done();
      const { rest } = said;
      said.rest = Buffer.alloc(0);
      done(null, rest);
    },
    flush(done) {
      done(null, said.rest);
    },
  });
}
