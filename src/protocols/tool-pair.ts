import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { readHandle } from './pair/handle.js';
import { planPair } from './pair/plan.js';
import { isMarked, type Pair, starts, withWords } from './pair/profile.js';
import { isMeant, profileProblem, unstartable } from './pair/profile-problem.js';
import { cancelPair, pollGroupOf, pollMany, pollPair } from './pair/steps.js';
import { builtInPairs, namedPairs } from './pairs/index.js';
import type { Protocol, ServerFacts, ToolPlan } from './protocol.js';
import { sync } from './sync.js';

/** A start tool returns a handle, another tool tells its state. Which tools, and in which words, is a profile: data. */
export const toolPair: Protocol = {
  name: 'tool-pair',
  plan(tool, server) {
    const told = firstPlan(tool, server.pairs ?? [], server) ?? planMistold(tool, server);
    if (told !== undefined) return told;
    // MCP's own tasks tell more than any status tool, except where the server itself says which pair to use.
    const pairs = isNativeTask(tool, server)
      ? builtInPairs.filter(pair => isMarked(tool, pair))
      : builtInPairs;
    return firstPlan(tool, pairs, server);
  },
  poll: async (handle, exchange) => pollPair(readHandle(handle), exchange),
  cancel: async (handle, exchange) => cancelPair(readHandle(handle), exchange),
  holds: handle => readHandle(handle).holds === true,
  topics: handle => readHandle(handle).ids.map(String),
  many: {
    groupOf: handle => pollGroupOf(readHandle(handle)),
    poll: (handles, exchange) => pollMany(handles.map(readHandle), exchange),
  },
};

/** A tool of which the user has told what the server does not have. */
function planMistold(tool: Tool, server: ServerFacts): ToolPlan | undefined {
  for (const pair of server.pairs ?? []) {
    const unusable = starts(tool, pair)
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
