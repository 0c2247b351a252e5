import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ConnectionOptions } from '../client/connect/connection-options.js';
import type { WaitOptions } from '../client/options.js';
import { isUnwanted } from '../server/host-timeouts.js';
import type { Offer } from '../server/offer.js';
import type { TaskFeed } from '../server/task-feed.js';
import { stableCallId } from '../server/tools/meta-keys.js';
import type { CallContext, ServerTool } from '../server/tools/server-tool.js';
import type { Progress } from '../types.js';
import { answerWithin, awaitTask, awaitToolFor } from './await-task.js';
import { unknownName } from './call-answer.js';
import { metaForUpstream } from './feature-answers.js';
import type { HostCalls } from './host-calls.js';
import { type AnsweredTasks, taskAnswers } from './native-tasks.js';
import type { Patience } from './patience.js';
import { AWAIT_TOOL } from './still-running.js';
import { recordOf } from './task-record.js';
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
