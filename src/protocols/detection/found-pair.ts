import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { completePair } from '../pair/complete-pair.js';
import { type Pair, pairProfileSchema } from '../pair/profile.js';
import type { Proposal } from './propose.js';
import type { Action } from './tool-facts.js';

/** The profile of a proposal, which reads every field at its usual place. */
export function pairOfProposal(proposal: Proposal, tools: readonly Tool[]): Pair {
  const { start, status, argument, copied, cancel, action } = proposal;
  const fixed = {
    ...Object.fromEntries(copied.map(name => [name, { call: name }])),
    ...(action !== undefined && argumentOf(action)),
  };
  const profile = pairProfileSchema.parse({
    name: `found/${start}`.replace(/[^\w@/.-]/g, '-').slice(0, 100),
    start: { tool: start },
    status: {
      tool: status,
      handleArgument: argument,
      ...(Object.keys(fixed).length > 0 && { arguments: fixed }),
    },
    ...(cancel !== undefined && {
      cancel: {
        tool: cancel.tool,
        handleArgument: argument,
        ...(cancel.action !== undefined && { arguments: argumentOf(cancel.action) }),
      },
    }),
  });
  return completePair(profile, tools);
}

function argumentOf({ argument, value }: Action) {
  return { [argument]: { value } };
}
