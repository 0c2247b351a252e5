import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { completePair } from '../pair/complete-pair.js';
import { type Pair, pairProfileSchema } from '../pair/profile.js';
import type { Proposal } from './propose.js';

/** The profile that a proposal comes to: everything is where it usually is. */
export function pairOfProposal(proposal: Proposal, tools: readonly Tool[]): Pair {
  const { start, status, argument, copied, cancel } = proposal;
  const profile = pairProfileSchema.parse({
    name: `found/${start}`.replace(/[^\w@/.-]/g, '-').slice(0, 100),
    start: { tool: start },
    status: {
      tool: status,
      handleArgument: argument,
      ...(copied.length > 0 && { arguments: Object.fromEntries(copied.map(name => [name, { call: name }])) }),
    },
    ...(cancel !== undefined && { cancel: { tool: cancel, handleArgument: argument } }),
  });
  return completePair(profile, tools);
}
