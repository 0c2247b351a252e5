import type { ServerCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { tasksCapability } from '../server/revision-2025-11-25/mcp-server.js';
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
