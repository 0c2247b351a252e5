import { isDeepStrictEqual } from 'node:util';
import { type ElicitResult, ErrorCode, type Tool } from '@modelcontextprotocol/sdk/types.js';
import type { InputHandler } from '../client/input/input-handler.js';
import type { WaitOptions } from '../client/options.js';
import type { InputRequest } from '../engine/question.js';
import type { Caller, Offer } from '../server/offer.js';
import { CODE, RequestError, TASKS_EXTENSION } from '../server/revision-2026-07-28/wire.js';
import { stableCallId } from '../server/tools/meta-keys.js';
import type { ServerTool } from '../server/tools/server-tool.js';
import { awaitTask, awaitToolFor } from './await-task.js';
import { answerOf, RelayedError } from './call-answer.js';
import { featureAnswers, metaForUpstream } from './feature-answers.js';
import { instructionsOf } from './instructions.js';
import { mergedCapabilities } from './merged-capabilities.js';
import { taskAnswers, taskFeed } from './native-tasks.js';
import type { Patience } from './patience.js';
import type { ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import { AWAIT_TOOL } from './still-running.js';
import { recordOf } from './task-record.js';
import { Upstream, type UpstreamTarget } from './upstream.js';
import { type Route, Upstreams } from './upstreams.js';

export interface RevisionOfferOptions {
  readonly targets: readonly UpstreamTarget[];
  readonly tasks: ProxyTasks;
  readonly connected: Set<Upstream>;
  /** Of calls of `await_task`; all others are tasks. */
  readonly patience: Patience;
  readonly wait: WaitOptions;
  readonly onNotice: (line: string) => void;
}

interface UpstreamsOfCaller {
  readonly upstreams: Upstreams;
  /** The calls under way, the last one at the end. */
  readonly running: Set<ProxyTask>;
  /** Of those that have been reached; the first time, all get some time. */
  instructions(): Promise<string>;
}

/** Claude Code waits 2.9 s for the answer to `server/discover`, and has no tasks without it. What has not come by then comes later. */
const FIRST_CONTACT_MS = 1500;
/** What a host of revision 2026-07-28 is asked through its tasks; the other questions are deprecated there. */
const FORMS = { elicitation: { form: {} } };

/**
 * What a host of MCP without sessions (2026-07-28) is offered: calls as tasks of the extension, resources, prompts and
 * completions. Only one that takes tasks gains by it; any other is left to the protocol before, where upstreams can ask anything,
 * log and tell of changes.
 */
export function revisionOffer(options: RevisionOfferOptions): Offer {
  const { targets, tasks, connected, patience, wait, onNotice } = options;
  const begunAt = Date.now();
  /** One or two for each caller, with and without questions: there is a known number of tokens. */
  const byCaller = new Map<string, UpstreamsOfCaller>();
  const feed = taskFeed(tasks);

  function upstreamsOf(principal: string, takesForms: boolean): UpstreamsOfCaller {
    const key = JSON.stringify([principal, takesForms]);
    const known = byCaller.get(key);
    if (known !== undefined) return known;
    const running = new Set<ProxyTask>();
    const host = {
      capabilities: takesForms ? FORMS : {},
      onInput: askTask(running),
      onNotification() {},
      onNewSession() {},
      onNotice,
    };
    const upstreams = new Upstreams(
      targets.map(target => {
        const upstream = new Upstream(target, { ...host, onClosed: () => connected.delete(upstream) }, wait);
        connected.add(upstream);
        return upstream;
      }),
      { onNotice },
    );
    const settled = upstreams.settle(FIRST_CONTACT_MS);
    let told: string | undefined;
    const instructions = async () => {
      await settled;
      if (told !== undefined) return told;
      const isWhole = upstreams.all.every(({ connected: client }) => client !== undefined);
      const text = await instructionsOf(upstreams.all);
      if (isWhole) told = text;
      return text;
    };
    const caller = { upstreams, running, instructions };
    byCaller.set(key, caller);
    return caller;
  }

  function toolOf(definition: Tool, { owner, name }: Route, running: Set<ProxyTask>): ServerTool {
    const begin = async (given: unknown, principal: string, meta: Readonly<Record<string, unknown>> = {}) => {
      const theirs = metaForUpstream(meta);
      const call = { name, arguments: { ...(given as object) }, ...(theirs && { _meta: theirs }) };
      const callId = stableCallId(meta);
      const task = await tasks.start({ principal, upstream: owner, call, tool: definition.name, callId });
      running.add(task);
      task.listen(() => task.end !== undefined && running.delete(task));
      return task;
    };
    return {
      definition,
      async call(given, { principal, meta, signal }) {
        const task = await begin(given, principal, meta);
        const end = await task.watch({ limitMs: Number.POSITIVE_INFINITY, signal });
        if (end === undefined) throw new TypeError('A watch without a limit ends with the call.');
        tasks.delivered(task);
        return answerOf(end);
      },
      start: async (given, { principal, meta }) => recordOf(await begin(given, principal, meta)),
    };
  }

  /** What a call of an earlier session came to is fetched with it: its task is known by its reference alone. */
  async function toolToAwait(principal: string, upstreams: Upstreams): Promise<ServerTool> {
    const calls = await tasks.list(principal, upstreams.all);
    return {
      definition: awaitToolFor(calls.filter(({ startedAt }) => startedAt < begunAt)),
      call: (given, { signal, clientName }) =>
        awaitTask(
          { ...(given as object) },
          { tasks, principal, upstreams: upstreams.all, limitMs: patience.limitMs(clientName), signal },
        ),
    };
  }

  async function forCaller({ principal, envelope }: Caller): Promise<Offer> {
    const { clientCapabilities, takesTasks } = envelope;
    if (!takesTasks) {
      throw new RequestError(
        CODE.methodNotFound,
        `This proxy speaks 2026-07-28 with hosts that take tasks (${TASKS_EXTENSION}); speak 2025-11-25 with it`,
        { httpStatus: 404 },
      );
    }
    const takesForms = clientCapabilities.elicitation !== undefined;
    const { upstreams, running, ...known } = upstreamsOf(principal, takesForms);
    const instructions = await known.instructions();
    const tools = [...(await upstreams.knownTools())].map(
      ([name, { definition, route }]) => [name, toolOf(definition, route, running)] as const,
    );
    const { resources, prompts, completions } = mergedCapabilities(upstreams.all);
    return {
      tools: new Map([...tools, [AWAIT_TOOL, await toolToAwait(principal, upstreams)]]),
      tasks: taskAnswers(tasks, () => upstreams.all),
      feed,
      more: {
        capabilities: {
          ...(resources && { resources: {} }),
          ...(prompts && { prompts: {} }),
          ...(completions && { completions: {} }),
        },
        instructions,
        answer: async ({ method, params }, { signal }) =>
          featureAnswers[method]?.(upstreams, { method, params: { ...params } }, signal).catch(refuse),
      },
    };
  }

  return { tools: new Map(), tasks: taskAnswers(tasks, () => []), feed, forCaller };
}

/**
 * Puts an upstream's question to the task that it asks for: the one that it names, else the one that was started last, because
 * the question of a call that blocks names none.
 */
function askTask(running: ReadonlySet<ProxyTask>): InputHandler {
  return async ({ method, params, reference, signal }) => {
    const named = [...running].find(task => isDeepStrictEqual(task.handleReference, reference));
    const task = reference === undefined ? [...running].at(-1) : named;
    if (task === undefined || method !== 'elicitation/create')
      throw new RelayedError(ErrorCode.MethodNotFound, 'Nobody is there to answer');
    const request = { method, params: params as unknown as InputRequest['params'] } as const;
    return (await task.ask(request, signal)) as ElicitResult;
  };
}

function refuse(error: unknown): never {
  if (!(error instanceof RelayedError)) throw error;
  throw new RequestError(error.code, error.message, { data: error.data });
}
