import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { planFound } from './detection/plan-found.js';
import type { NativeTasks, Protocol, ServerFacts, ToolPlan } from './protocol.js';
import { sync } from './sync.js';
import { tasks20251125 } from './tasks-2025-11-25.js';
import { tasks20260728 } from './tasks-2026-07-28.js';
import { unstartable } from './tool-definition.js';
import { toolPair } from './tool-pair.js';

/** Every way of being asynchronous, the most specific first. */
export const protocols: readonly Protocol[] = [toolPair, tasks20251125, tasks20260728, sync];

/** How a tool will be awaited: by the first protocol that recognises it. */
export function planTool(tool: Tool, server: ServerFacts): ToolPlan {
  for (const protocol of protocols) {
    // Whatever tells of itself comes before what is only found.
    const found = protocol === sync ? planFound(tool, server, toolPair) : undefined;
    if (found !== undefined) return found;
    const plan = protocol.plan(tool, server);
    if (plan !== undefined) return plan.protocol === sync ? { ...plan, ...uselessProfile(server) } : plan;
  }
  throw new TypeError('`sync` recognises every tool and must stay in the list.');
}

/** A profile that names no tool of the server may be what should have been used. */
function uselessProfile(server: ServerFacts): Pick<ToolPlan, 'notice'> {
  const notice = server.pairs?.map(pair => unstartable(pair, server)).find(problem => problem !== undefined);
  return notice === undefined ? {} : { notice: `${notice} It is not used.` };
}

/** The protocol of a revision of MCP's own tasks. */
export function protocolOfTasks(nativeTasks: NativeTasks): Protocol | undefined {
  return protocols.find(protocol => protocol.nativeTasks === nativeTasks);
}

export function protocolByName(name: string): Protocol | undefined {
  return protocols.find(protocol => protocol.name === name);
}
