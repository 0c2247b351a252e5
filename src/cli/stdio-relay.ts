import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { StdioStreams } from '../server/stdio.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { answerFrom, rememberedAnswers } from './remembered-answers.js';

/** Names the file descriptor on which a server that was started by a relay finds its client. */
const LINE_VARIABLE = 'MCP_AWAIT_LINE';
const LINE = 3;
/** Brings the value of `--store`. */
const STORE_VARIABLE = 'MCP_AWAIT_STORE';

/** `listening`: it has closed its side, and takes the answers that are still owed. */
type ClientState = 'talking' | 'listening' | 'gone';

/**
 * Serves this process's standard streams through a server process of its own. MCP clients kill a server on standard
 * streams a few seconds after they leave, which would end its tasks; they can only kill the relay, and the server
 * behind it finishes what it has accepted.
 */
export async function relayStdio(io: CommandIo): Promise<number> {
  const { words, hidden } = withoutStore(io.argv.slice(1));
  const isAtTerminal = io.stdin.isTTY === true;
  const child = spawn(process.execPath, [...process.execArgv, ...words], {
    detached: true,
    env: { ...io.env, ...hidden, [LINE_VARIABLE]: String(LINE) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  if (isAtTerminal) io.stderr.write(atTerminal(io.argv[2] ?? 'serve'));
  const line = child.stdio[LINE] as Socket;
  const exited = once(child, 'exit') as Promise<[number | null]>;
  // Not `once` of node:events, which rejects when the server breaks the line before it ends.
  const closed = new Promise(resolve => line.once('close', resolve));
  let client: ClientState = 'talking';
  const leave = () => {
    client = 'gone';
    line.destroy();
  };
  // Claude Code ends its servers with a signal, before it closes their input: that is no word about their tasks.
  const stop = () => (isAtTerminal && client === 'talking' ? child.kill('SIGTERM') : leave());
  // A Ctrl-C at a client's terminal reaches this process too; whether it is to end is for the client to say.
  const interrupt = () => (isAtTerminal ? stop() : undefined);
  io.on('SIGINT', interrupt);
  io.on('SIGTERM', stop);
  io.stdin.once('end', () => {
    client = 'listening';
  });
  io.stdout.on('error', leave);
  line.on('error', () => line.destroy());
  const answers = rememberedAnswers(io);
  line.pipe(answerFrom(answers, io.stdin, io.stdout)).pipe(io.stdout, { end: false });
  io.stdin.pipe(line);
  child.stderr?.pipe(io.stderr, { end: false });
  await closed;
  if (line.bytesRead === 0) answers.forget();
  io.stdin.unpipe(line).pause();
  if (!mayGoOn(client, line)) return (await exited)[0] ?? ExitCode.interrupted;
  child.stderr?.destroy();
  child.unref();
  io.off('SIGINT', interrupt);
  io.off('SIGTERM', stop);
  return ExitCode.completed;
}

/** What a person should know who has started a server that talks to a program. */
function atTerminal(verb: string): string {
  return (
    'This is an MCP server, and it waits for a client on its standard input. A host starts it by itself: write the ' +
    `command \`mcp-await ${verb} …\` into its file. For a server that you start yourself, add --http. ` +
    'Ctrl-C ends it.\n'
  );
}

/**
 * Whether the server behind the line may still have work to do by itself. It closes the line first only when its client
 * has asked all it wants; one that has answered nothing could not start, and its exit code says so.
 */
function mayGoOn(client: ClientState, line: Socket): boolean {
  return client === 'gone' || (client === 'listening' && line.bytesRead > 0);
}

/** Whether a relay stands between this process and its client. */
export function isBehindRelay(io: CommandIo): boolean {
  return io.env[LINE_VARIABLE] !== undefined;
}

/** The client's streams when a relay started this process; undefined otherwise. */
export function relayedStreams(io: CommandIo): StdioStreams | undefined {
  if (!isBehindRelay(io)) return undefined;
  // Not for the processes that operations start: they have no such line.
  Reflect.deleteProperty(io.env, LINE_VARIABLE);
  const line = new Socket({ fd: LINE, readable: true, writable: true, allowHalfOpen: true });
  return { input: line, output: line };
}

/** The flags of a server that a relay started, with the one that stands in its environment instead. */
export function relayedFlags<Flags extends { readonly store?: string }>(flags: Flags, io: CommandIo): Flags {
  const store = io.env[STORE_VARIABLE];
  Reflect.deleteProperty(io.env, STORE_VARIABLE);
  return store === undefined ? flags : { ...flags, store };
}

/** The URL of a store may hold a password, and the arguments of a process are for everybody to read. */
export function withoutStore(words: readonly string[]): {
  readonly words: readonly string[];
  readonly hidden: Readonly<Record<string, string>>;
} {
  const rest: string[] = [];
  const hidden: Record<string, string> = {};
  const dashes = words.indexOf('--');
  // What follows is another program's.
  const end = dashes < 0 ? words.length : dashes;
  for (let index = 0; index < end; index++) {
    const word = words[index] ?? '';
    if (word === '--store') hidden[STORE_VARIABLE] = words[++index] ?? '';
    else if (word.startsWith('--store=')) hidden[STORE_VARIABLE] = word.slice('--store='.length);
    else rest.push(word);
  }
  return { words: [...rest, ...words.slice(end)], hidden };
}
