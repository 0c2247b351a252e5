import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ConnectionOptions } from '../client/connect/connection-options.js';
import type { WaitOptions } from '../client/options.js';
import { isUnwanted } from '../server/host-timeouts.js';
import type { Offer } from '../server/offer.js';
import type { TaskFeed } from '../server/task-feed.js';
import { stableCallId } from '../server/tools/meta-keys.js';
import type { CallContext, ServerTool } from '../server/tools/server-tool.js';
import { linkSignals } from '../time/signals.js';
import type { Progress } from '../types.js';
import { answerOf, unknownName } from './call-answer.js';
import { metaForUpstream } from './feature-answers.js';
import type { HostCalls } from './host-calls.js';
import { type AnsweredTasks, recordOf, taskAnswers } from './native-tasks.js';
import type { Patience } from './patience.js';
import type { HostWatch, ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import { AWAIT_TOOL, type RunningCall, stillRunning, toldOf, waitingForInput } from './still-running.js';
import { Upstream, type UpstreamHost, type UpstreamTarget } from './upstream.js';
import { type Route, Upstreams, type UpstreamsListener } from './upstreams.js';

/** A sign of life moves the figures by so little that nobody sees it. */
const SIGN_OF_LIFE = 0.000_001;

/**
 * What a host is told next: the figures of the task where they have grown, else a sign of life, because a progress
 * notification must tell more than the one before (spec 2025-11-25, basic/utilities/progress).
 * @param last what it was told before
 */
export function nextProgress(last: number | undefined, told: Progress | undefined): Progress {
  if (told !== undefined && (last === undefined || told.progress > last)) return told;
  if (last === undefined) return { progress: 0, ...told };
  return { ...told, progress: last + SIGN_OF_LIFE * Math.max(1, Math.abs(last)) };
}

/** What all hosts of a proxy share. */
export interface ProxyParts extends AnsweredTasks {
  readonly targets: readonly UpstreamTarget[];
  readonly feed: TaskFeed;
  /** Every connection of the process, also those whose host has gone. */
  readonly connected: Set<Upstream>;
  readonly patience: Patience;
  readonly wait: WaitOptions & ConnectionOptions;
  /** A line for the operator. */
  readonly onNotice: (line: string) => void;
}

/** Connects to every server for one host. */
export function connectUpstreams(
  { targets, connected, wait, onNotice }: ProxyParts,
  host: Omit<UpstreamHost, 'onClosed' | 'onNotice'>,
  onLateList?: UpstreamsListener['onLateList'],
): Upstreams {
  const all = targets.map(target => {
    const onClosed = () => connected.delete(upstream);
    const upstream: Upstream = new Upstream(target, { ...host, onNotice, onClosed }, wait);
    connected.add(upstream);
    return upstream;
  });
  return new Upstreams(all, { onNotice, ...(onLateList && { onLateList }) });
}

export interface HostOfferOptions {
  readonly parts: AnsweredTasks & Pick<ProxyParts, 'feed'>;
  readonly principal: string;
  readonly upstreams: () => Upstreams;
  readonly calls: HostCalls;
  /** What was started before belongs to an earlier session. */
  readonly begunAt: number;
  /** How long a call is held, in milliseconds; of `await_task` where there is no upstream. */
  readonly limitMs: (hostName: string | undefined, upstream?: Upstream) => number;
  /** Whether a result that is sent now reaches the host. */
  readonly isListening?: (() => boolean) | undefined;
  /** Whether a call that the host gives up now is to be cancelled, see `isUnwanted`. */
  readonly endsCalls: () => boolean;
}

/** What the proxy offers one host, in either revision: the tools of its upstreams, and `await_task`. */
export function hostOffer(options: HostOfferOptions): Offer {
  const { parts, principal, calls, begunAt, limitMs, isListening, endsCalls } = options;
  const { tasks, feed } = parts;
  const upstreams = () => options.upstreams().all;

  const answerOptions = ({ signal, clientName, reportProgress }: CallContext, upstream?: Upstream) => ({
    tasks,
    isListening,
    limitMs: limitMs(clientName, upstream),
    signal,
    report: reportProgress && growing(reportProgress),
  });

  /** A tool of an upstream; its definition as the host knows it. */
  function upstreamTool(definition: Tool, { owner, name }: Route): ServerTool {
    const begin = async (given: unknown, meta: Readonly<Record<string, unknown>> = {}) => {
      const theirs = metaForUpstream(meta);
      const call = { name, arguments: { ...(given as object) }, ...(theirs && { _meta: theirs }) };
      const callId = stableCallId(meta);
      const task = await tasks.start({ principal, upstream: owner, call, tool: definition.name, callId });
      calls.follow(task);
      return task;
    };
    return {
      definition,
      async call(given, context) {
        const { meta, signal } = context;
        const task = await begin(given, meta);
        // Later: a session that closes aborts its calls before it says that it has closed.
        const cancel = () =>
          queueMicrotask(() => {
            if (endsCalls() && isUnwanted(signal)) task.cancel();
          });
        signal.addEventListener('abort', cancel, { once: true });
        try {
          return await answerWithin([task], answerOptions(context, owner));
        } finally {
          signal.removeEventListener('abort', cancel);
        }
      },
      start: async (given, { meta }) => recordOf(await begin(given, meta)),
    };
  }

  /** What a call of an earlier session came to is fetched with it: its task is known by its reference alone. */
  const ownTool = (definition: Tool): ServerTool => ({
    definition,
    call: (given, context) =>
      awaitTask({ ...(given as object) }, { ...answerOptions(context), principal, upstreams: upstreams() }),
  });

  return {
    tasks: taskAnswers(parts, upstreams),
    feed,
    tools: {
      async list() {
        const tools = [...(await options.upstreams().tools()).values()];
        const known = await tasks.list(principal, upstreams());
        const earlier = known.filter(({ startedAt }) => startedAt < begunAt);
        return [
          ...tools.map(({ definition, route }) => upstreamTool(definition, route)),
          ownTool(awaitToolFor(earlier)),
        ];
      },
      async find(name) {
        if (name === AWAIT_TOOL) return ownTool(awaitToolFor([]));
        const found = await options.upstreams().knownTool(name);
        if (found === undefined) throw unknownName('tool', name, upstreams());
        return upstreamTool(found.definition, found.route);
      },
    },
  };
}

/** Tells a host figures that grow, and signs of life in between. */
function growing(report: (progress: Progress) => void): (told: Progress | undefined) => void {
  let last: number | undefined;
  return told => {
    const next = nextProgress(last, told);
    last = next.progress;
    report(next);
  };
}

const MAX_REFERENCES = 100;
/** Most calls of earlier sessions that the tool's description names. */
const MAX_NAMED = 5;

const awaitTool = {
  name: AWAIT_TOOL,
  title: 'Go on waiting for a task',
  description:
    'Goes on waiting for a call of another tool that was answered with a reference because it takes long, and returns the final result of that call. With several references: returns with the first that ends. Without a reference: lists the calls whose results nobody has had yet.',
  inputSchema: {
    type: 'object',
    properties: {
      reference: { type: 'string', description: 'As the answer to the call gave it.' },
      references: {
        type: 'array',
        items: { type: 'string' },
        maxItems: MAX_REFERENCES,
        description: 'Instead of `reference`: several, of which the first that ends is answered.',
      },
    },
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  // Claude Code keeps tools behind a search: this one is named by answers, and has to be there then.
  _meta: { 'anthropic/alwaysLoad': true },
} satisfies Tool;

/**
 * The tool by which a host goes on with a call. Its description offers the results of earlier sessions, since no host asks
 * for what it does not know of.
 * @param earlier the calls of earlier sessions whose results nobody has had
 */
function awaitToolFor(earlier: readonly RunningCall[]): Tool {
  if (earlier.length === 0) return awaitTool;
  const named = earlier
    .slice(-MAX_NAMED)
    .map(({ tool, reference, snapshot }) => `\`${tool}\` (${snapshot.status}): ${reference}`);
  const description = `${awaitTool.description} Calls of earlier sessions whose results nobody has had: ${named.join('; ')}.`;
  return { ...awaitTool, description };
}

/** How long a host waits for an answer, and what it hears meanwhile. */
interface AnswerOptions extends HostWatch {
  readonly tasks: ProxyTasks;
  /** Whether a result that is sent now reaches the host. */
  readonly isListening?: (() => boolean) | undefined;
}

interface AwaitTaskOptions extends AnswerOptions {
  readonly principal: string;
  readonly upstreams: readonly Upstream[];
}

/** The answer to a call of `await_task`, whichever revision of MCP the host speaks. */
async function awaitTask(
  { reference, references }: Readonly<Record<string, unknown>>,
  options: AwaitTaskOptions,
): Promise<CallToolResult> {
  const { tasks, principal, upstreams } = options;
  const asked = [reference, ...(Array.isArray(references) ? references.slice(0, MAX_REFERENCES) : [])];
  const wanted = [...new Set(asked.filter(each => each !== undefined && each !== '').map(String))];
  if (wanted.length === 0) return listOfCalls(await tasks.list(principal, upstreams));
  const found = await Promise.all(wanted.map(each => tasks.find(principal, each, upstreams)));
  const missing = wanted.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) return notFound(missing);
  return answerWithin(
    found.filter(task => task !== undefined),
    options,
  );
}

/** Waits for the first of these calls to end, and gives its result; or tells how they stand when the time is up before. */
async function answerWithin(
  waited: readonly ProxyTask[],
  { tasks, isListening = () => true, ...watch }: AnswerOptions,
): Promise<CallToolResult> {
  const ended = await firstEnded(waited, watch);
  if (ended?.end === undefined) return stillRunning(waited);
  if (isListening()) tasks.delivered(ended);
  if (ended.unanswered !== undefined) return waitingForInput(ended, waited);
  const answer = answerOf(ended.end);
  const others = waited.filter(task => task !== ended);
  if (others.length === 0) return answer;
  const text = `\`${ended.tool}\` (${ended.reference}) has ended; what follows is its result. Go on waiting for the others: ${AWAIT_TOOL} with ${JSON.stringify({ references: others.map(task => task.reference) })}.`;
  return { ...answer, content: [{ type: 'text', text }, ...answer.content] };
}

async function firstEnded(
  waited: readonly ProxyTask[],
  { signal, ...watch }: HostWatch,
): Promise<ProxyTask | undefined> {
  using decided = linkSignals(signal);
  try {
    return await Promise.race(
      waited.map(async task =>
        (await task.watch({ ...watch, signal: decided.signal })) === undefined ? undefined : task,
      ),
    );
  } finally {
    decided.abort(new Error('One has ended'));
  }
}

function notFound(references: readonly string[]): CallToolResult {
  const names = references.map(reference => JSON.stringify(reference.slice(0, 100))).join(', ');
  const text = `There is no call with the reference ${names}: it is wrong or has expired. Call \`${AWAIT_TOOL}\` without a reference for those that there are.`;
  return {
    isError: true,
    content: [{ type: 'text', text }],
    structuredContent: { error: { code: 'TASK_NOT_FOUND', message: text } },
  };
}

/** Calls that a host may go on with. */
function listOfCalls(calls: readonly RunningCall[]): CallToolResult {
  const tasks = calls.map(toldOf);
  const text =
    tasks.length === 0
      ? 'There is no call whose result is still to be had.'
      : `Call \`${AWAIT_TOOL}\` with the reference of one of these, or with the \`references\` of several: ${JSON.stringify(tasks)}`;
  return { content: [{ type: 'text', text }], structuredContent: { tasks } };
}
