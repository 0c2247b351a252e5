import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { bundledPair, isBundled } from './bundled-pair.js';
import { readHandle } from './pair/handle.js';
import { planPair } from './pair/plan.js';
import { type Pair, startTools, withWords } from './pair/profile.js';
import { isMeant, profileProblem, unstartable } from './pair/profile-problem.js';
import { cancelPair, pollPair } from './pair/steps.js';
import { builtInPairs, namedPairs } from './pairs/index.js';
import type { Protocol, ServerFacts, ToolPlan } from './protocol.js';
import { sync } from './sync.js';

/** A start tool returns a handle, another tool tells its state. Which tools, and in which words, is a profile: data. */
export const toolPair: Protocol = {
  name: 'tool-pair',
  plan(tool, server) {
    const told = firstPlan(tool, server.pairs ?? [], server) ?? planMistold(tool, server);
    if (told !== undefined) return told;
    const bundled = bundledPair.plan(tool, server);
    if (bundled !== undefined) return { ...bundled, protocol: toolPair };
    // MCP's own tasks tell more than any status tool.
    return isNativeTask(tool, server) ? undefined : firstPlan(tool, builtInPairs, server);
  },
  poll: async (handle, exchange) =>
    isBundled(handle) ? bundledPair.poll(handle, exchange) : pollPair(readHandle(handle), exchange),
  cancel: async (handle, exchange) =>
    isBundled(handle) ? bundledPair.cancel(handle, exchange) : cancelPair(readHandle(handle), exchange),
  holds: handle =>
    (isBundled(handle) ? bundledPair.holds?.(handle) : readHandle(handle).holds === true) === true,
  topics: handle =>
    (isBundled(handle) ? bundledPair.topics?.(handle) : readHandle(handle).ids.map(String)) ?? [],
  many: {
    groupOf: handle => (isBundled(handle) ? bundledPair.many?.groupOf(handle) : undefined),
    poll: (handles, exchange) => bundledPair.many?.poll(handles, exchange) ?? Promise.resolve([]),
  },
};

/** A tool of which the user has told what the server does not have. */
function planMistold(tool: Tool, server: ServerFacts): ToolPlan | undefined {
  for (const pair of server.pairs ?? []) {
    const unusable = startTools(pair).includes(tool.name)
      ? profileProblem(pair, server)
      : isMeant(tool, pair, server) && unstartable(pair, server);
    if (unusable)
      return { ...sync.plan(tool, server), protocol: toolPair, why: unusable, unusable } as ToolPlan;
  }
  return undefined;
}

function firstPlan(tool: Tool, pairs: readonly Pair[], server: ServerFacts): ToolPlan | undefined {
  for (const pair of pairs) {
    const isBuiltIn = builtInPairs.includes(pair) || namedPairs.includes(pair);
    if (!isBuiltIn && profileProblem(pair, server) !== undefined) continue;
    const plan = planPair(tool, withWords(pair, server.words), server, toolPair);
    if (plan !== undefined) return plan;
  }
  return undefined;
}

function isNativeTask({ execution }: Tool, { nativeTasks }: ServerFacts): boolean {
  const support = execution?.taskSupport;
  return nativeTasks === '2025-11-25' && (support === 'optional' || support === 'required');
}
