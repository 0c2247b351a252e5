import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { AwaitError } from '../errors.js';
import { learnPair, unknownWordIn } from '../protocols/detection/learn-pair.js';
import { argumentsOf, dataOf } from '../protocols/pair/answer-data.js';
import { readStatusAnswer } from '../protocols/pair/answers.js';
import { idsIn, newHandle, readHandle, type TaskId } from '../protocols/pair/handle.js';
import { type Pair, withWords } from '../protocols/pair/profile.js';
import type { PollAnswer } from '../protocols/protocol.js';
import { formatDuration } from '../time/duration.js';
import { linkSignals } from '../time/signals.js';
import { sleep, startTimer } from '../time/sleep.js';
import type { TaskStatus } from '../types.js';
import { parseObject } from './arguments.js';
import type { PromptReader } from './ask/line-reader.js';
import { errorFacts } from './error-report.js';
import type { CommandIo } from './io.js';
import { readSource } from './read-source.js';
import { renderResult } from './report.js';
import { jsonText, plainText } from './terminal-text.js';
import type { ClientSession } from './with-client.js';

export interface TryFlags {
  /** Arguments with which the pair is run once. */
  readonly try?: string;
  /** Milliseconds for which a run is watched. */
  readonly timeout?: number;
}

/** What a run of a pair needs. */
export interface Trying {
  readonly flags: TryFlags;
  readonly session: ClientSession;
  readonly io: CommandIo;
  readonly lines: PromptReader | undefined;
}

const WATCHED_MS = 120_000;
const FIRST_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 10_000;
/** Of one answer; a result may be long. */
const MAX_SHOWN = 1500;
const MAX_ANSWERS = 40;
const MEANINGS: Readonly<Record<string, TaskStatus>> = {
  w: 'working',
  c: 'completed',
  f: 'failed',
  x: 'cancelled',
};

/**
 * Runs a pair once and shows its answers.
 * @returns the pair with what they have shown; undefined where they show no pair, which is told
 */
export async function tryPair(pair: Pair, trying: Trying): Promise<Pair | undefined> {
  const { flags, io } = trying;
  const { client, interrupts } = trying.session;
  const tools = (await client.explainTools()).map(({ definition }) => definition);
  const [name = ''] = [pair.start.tool].flat();
  const [startTool, statusTool] = [name, pair.status.tool].map(each =>
    tools.find(tool => tool.name === each),
  );
  const given = await readSource(flags.try ?? '{}', '--try', io);
  const call = {
    name,
    arguments: parseObject(given, '--try', Object.keys(startTool?.inputSchema.properties ?? {})),
  };
  io.stderr.write(
    `Calls \`${plainText(name)}\` once with ${jsonText(call.arguments)}; what it starts is real.\n`,
  );
  using watch = watchFor(flags.timeout ?? WATCHED_MS, interrupts.first);
  const started = await client.callTool(call, undefined, { signal: watch.signal });
  show(io, name, started);
  if (started.isError === true) return nothing(io, `\`${name}\` answered with an error`);
  const data = dataOf(started);
  const [id, second] = idsIn(data, pair, { statusTool, given: call.arguments });
  const argument = pair.status.handleArgument;
  if (id === undefined)
    return nothing(io, `the answer has nothing for \`${argument}\` of \`${pair.status.tool}\``);
  if (second !== undefined) return nothing(io, `the answer has several values for \`${argument}\``);
  const handle = readHandle(newHandle([id], pair, { call, statusTool, data }));
  const ask = {
    name: pair.status.tool,
    arguments: argumentsOf({ [argument]: id }, handle.status),
  };
  const { statuses, words } = await watchStatus({ pair, id, ask, signal: watch.signal, trying });
  if (statuses.length === 0) return nothing(io, `\`${pair.status.tool}\` told no state of it`);
  return learnPair(withWords(pair, words), { started, id, statuses });
}

function nothing(io: CommandIo, why: string): undefined {
  io.stderr.write(
    `Nothing was learned: ${plainText(why)}. Tell the pair yourself: docs/start-status-pairs.md.\n`,
  );
}

/** Ends what is watched after a time, or at Ctrl-C. */
function watchFor(timeoutMs: number, interrupted: AbortSignal) {
  const linked = linkSignals(interrupted);
  const stop = startTimer(timeoutMs, () =>
    linked.abort(new Error(`it has not ended within ${formatDuration(timeoutMs)} (--timeout)`)),
  );
  return {
    signal: linked.signal,
    [Symbol.dispose]() {
      stop();
      linked[Symbol.dispose]();
    },
  };
}

interface Watching {
  readonly pair: Pair;
  readonly id: TaskId;
  readonly ask: { readonly name: string; readonly arguments: Record<string, unknown> };
  readonly signal: AbortSignal;
  readonly trying: Trying;
}

/** Asks until the answer tells an end, and shows each answer that tells another state. */
async function watchStatus({ pair, id, ask, signal, trying }: Watching) {
  const { io, session } = trying;
  const statuses: CallToolResult[] = [];
  const asked = new Set<string>();
  let words: Pair['words'] = {};
  let shown = '';
  let delayMs = FIRST_INTERVAL_MS;
  try {
    for (;;) {
      const answer = await session.client.callTool(ask, undefined, { signal });
      statuses.push(answer);
      // Enough of a long job: how it began, and how it ends.
      if (statuses.length > MAX_ANSWERS) statuses.splice(MAX_ANSWERS / 2, 1);
      const told = stateTold(answer, withWords(pair, words), id);
      if (told !== shown) show(io, ask.name, answer);
      shown = told;
      const word = unknownWordIn(answer, withWords(pair, words), id);
      if (word !== undefined && !asked.has(word)) {
        asked.add(word);
        words = { ...words, ...(await meaningAsked(word, trying)) };
      }
      const read = readStatusAnswer(answer, withWords(pair, words), id);
      if (read.kind === 'ended') return { statuses, words };
      await sleep(hintOf(read) ?? delayMs, signal);
      delayMs = Math.min(delayMs * 1.5, MAX_INTERVAL_MS);
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof AwaitError)) throw error;
    const why = signal.aborted ? (signal.reason as Error).message : errorFacts(error).message;
    io.stderr.write(
      `The end was not seen: ${plainText(why)}. What was started goes on; its \`${pair.status.handleArgument}\` is ${jsonText(id)}.\n`,
    );
    // An answer that could not be read shows nothing of the pair.
    return { statuses: signal.aborted ? statuses : statuses.slice(0, -1), words };
  }
}

/** Tells two states apart. */
function stateTold(answer: CallToolResult, pair: Pair, id: TaskId): string {
  try {
    const read = readStatusAnswer(answer, pair, id);
    return read.kind === 'ended' ? 'ended' : `${read.status} ${read.unknownWord ?? read.message ?? ''}`;
  } catch {
    return 'unread';
  }
}

function hintOf(read: PollAnswer): number | undefined {
  const hint = read.kind === 'running' ? read.hintMs : undefined;
  return hint === undefined ? undefined : Math.min(Math.max(hint, 100), MAX_INTERVAL_MS);
}

/** What a person says that a status word means which nobody knows. */
async function meaningAsked(word: string, { io, lines, session }: Trying): Promise<Pair['words']> {
  const typed = await lines?.read(
    `What does the state \`${plainText(word)}\` mean: [w]orking, [c]ompleted, [f]ailed, cancelled [x]? [w] `,
    session.interrupts.first,
  );
  if (typed !== undefined) return { [word]: MEANINGS[typed.trim().toLowerCase().charAt(0)] ?? 'working' };
  io.stderr.write(
    `The state \`${plainText(word)}\` is no known word: it counts as working. --done-word or --failed-word tell what it means.\n`,
  );
  return {};
}

function show(io: CommandIo, tool: string, answer: CallToolResult): void {
  const { structuredContent } = answer;
  const text = structuredContent === undefined ? renderResult(answer) : jsonText(structuredContent);
  const left = text.length - MAX_SHOWN;
  const lines = (left > 0 ? `${text.slice(0, MAX_SHOWN)}… (${left} characters more)` : text).split('\n');
  const head = `\`${plainText(tool)}\` answered${answer.isError === true ? ' with an error' : ''}:`;
  io.stderr.write(`${[head, ...lines.map(line => `  ${line}`)].join('\n')}\n`);
}
