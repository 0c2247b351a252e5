import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../protocols/tool-result.js';
import { RequestError } from '../server/request-error.js';
import { relayed, unknownName } from './call-answer.js';
import type { Upstream } from './upstream.js';
import { relay, type Upstreams } from './upstreams.js';

type Json = Record<string, unknown>;

export interface HostRequest {
  readonly method: string;
  readonly params: Json;
}

/** An answer, and who gave it. */
interface Answered {
  readonly upstream: Upstream;
  readonly answer: Json;
}

/** Sends a request of the host on to one upstream. @throws the upstream's error */
export async function sendTo(
  upstream: Upstream,
  { method, params }: HostRequest,
  signal: AbortSignal,
): Promise<Json> {
  const client = await upstream.client();
  const { _meta, ...rest } = params;
  const meta = metaForUpstream(isRecord(_meta) ? _meta : {});
  return relay(client, { method, params: { ...rest, ...(meta && { _meta: meta }) } }, signal);
}

/** What a request says besides its parameters, without what is between the host and the proxy. */
export function metaForUpstream(meta: Readonly<Json>): Json | undefined {
  const theirs = Object.entries(meta).filter(
    ([key]) => key !== 'progressToken' && !key.startsWith('io.modelcontextprotocol/'),
  );
  return theirs.length === 0 ? undefined : Object.fromEntries(theirs);
}

/** The first answer of those that may know. @throws RequestError the first refusal */
export async function firstOf(
  candidates: readonly Upstream[],
  request: HostRequest,
  signal: AbortSignal,
): Promise<Answered> {
  const refusals: unknown[] = [];
  for (const upstream of candidates) {
    try {
      return { upstream, answer: await sendTo(upstream, request, signal) };
    } catch (error) {
      signal.throwIfAborted();
      refusals.push(relayed(error));
    }
  }
  const nobody = `No server behind this proxy takes ${request.method}`;
  throw refusals[0] ?? new RequestError(ErrorCode.InvalidParams, nobody);
}

type Answer = (upstreams: Upstreams, request: HostRequest, signal: AbortSignal) => Promise<Json>;

/** The requests about resources, prompts and completions that hold for themselves, whichever protocol they come in. */
export const featureAnswers: Readonly<Record<string, Answer>> = {
  'resources/list': async upstreams => ({ resources: await upstreams.resources('resources/list') }),
  'resources/templates/list': async upstreams => ({
    resourceTemplates: await upstreams.resources('resources/templates/list'),
  }),
  'resources/read': async (upstreams, request, signal) =>
    (await firstOf(upstreams.ownersOf(request.params.uri), request, signal)).answer,
  'prompts/list': async upstreams => ({
    prompts: [...(await upstreams.prompts()).values()].map(({ definition }) => definition),
  }),
  async 'prompts/get'(upstreams, { method, params }, signal) {
    const { owner, name } = await promptOf(upstreams, params.name);
    return sendTo(owner, { method, params: { ...params, name } }, signal).catch(error => {
      throw relayed(error);
    });
  },
  async 'completion/complete'(upstreams, { method, params }, signal) {
    const ref = isRecord(params.ref) ? params.ref : {};
    if (ref.type !== 'ref/prompt')
      return (await firstOf(upstreams.ownersOf(ref.uri), { method, params }, signal)).answer;
    const { owner, name } = await promptOf(upstreams, ref.name);
    const own = { ...params, ref: { ...ref, name } };
    return (await firstOf([owner], { method, params: own }, signal)).answer;
  },
};

async function promptOf(upstreams: Upstreams, name: unknown) {
  const found = (await upstreams.prompts()).get(String(name));
  if (found === undefined) throw unknownName('prompt', String(name), upstreams.all);
  return found.route;
}
