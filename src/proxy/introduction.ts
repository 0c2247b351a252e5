import type { ServerCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { tasksCapability } from '../server/revision-2025-11-25/mcp-server.js';
import { atMost } from '../time/at-most.js';
import { AWAIT_TOOL } from './still-running.js';
import type { Upstream } from './upstream.js';

/** All that a proxy can serve, if its upstreams can. */
export const ALL_CAPABILITIES: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  prompts: { listChanged: true },
  logging: {},
  completions: {},
  tasks: tasksCapability(true),
};

/** What a host is told: what any upstream has. One that cannot be reached may have anything. */
export function mergedCapabilities(
  upstreams: readonly Pick<Upstream, 'capabilities'>[],
  listsTasks: boolean,
): ServerCapabilities {
  const known = upstreams.map(({ capabilities }) => capabilities);
  const has = (test: (capabilities: ServerCapabilities) => unknown) =>
    known.some(capabilities => capabilities === undefined || Boolean(test(capabilities)));
  return {
    tools: { listChanged: true },
    tasks: tasksCapability(listsTasks),
    ...(has(each => each.resources) && {
      resources: { listChanged: true, ...(has(each => each.resources?.subscribe) && { subscribe: true }) },
    }),
    ...(has(each => each.prompts) && { prompts: { listChanged: true } }),
    ...(has(each => each.logging) && { logging: {} }),
    ...(has(each => each.completions) && { completions: {} }),
  };
}

const OWN = `A call that takes long may be answered with a reference: \`${AWAIT_TOOL}\` with that reference goes on waiting for its result.`;
const WITHIN_MS = 5000;

/** What a host is to tell its model: our sentence, and those of the upstreams, save of one that speaks of tools that are hidden. */
export async function instructionsOf(upstreams: readonly Upstream[]): Promise<string> {
  const theirs = await Promise.all(upstreams.map(upstream => instructionsOfOne(upstream)));
  return [OWN, ...theirs.flat()].join('\n\n');
}

async function instructionsOfOne({ connected, instructions, capabilities }: Upstream): Promise<string[]> {
  if (connected === undefined || instructions === undefined || instructions === '') return [];
  if (capabilities?.tools === undefined) return [instructions];
  const tools = await atMost(connected.explainTools(), WITHIN_MS).catch(() => []);
  return tools.some(({ tool, hidden }) => hidden && instructions.includes(tool)) ? [] : [instructions];
}
