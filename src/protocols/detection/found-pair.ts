import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { type Pair, pairProfileSchema } from '../pair/profile.js';
import type { Proposal } from './propose.js';

/** The profile that a proposal comes to: everything is where it usually is. */
export function pairOfProposal(proposal: Proposal, tools: readonly Tool[]): Pair {
  const { start, status, argument, copied, cancel } = proposal;
  const properties = tools.find(({ name }) => name === status)?.inputSchema.properties ?? {};
  return pairProfileSchema.parse({
    name: `found/${start}`.replace(/[^\w@/.-]/g, '-').slice(0, 100),
    start: { tool: start },
    status: {
      tool: status,
      handleArgument: argument,
      ...(copied.length > 0 && { arguments: Object.fromEntries(copied.map(name => [name, { call: name }])) }),
      ...waitArgumentIn(properties),
    },
    ...(cancel !== undefined && { cancel: { tool: cancel, handleArgument: argument } }),
  });
}

/** A server that offers to hold its answer back does so under one of these names. */
function waitArgumentIn(properties: Readonly<Record<string, unknown>>) {
  const name = ['waitSecs', 'wait_seconds', 'waitSeconds', 'wait_secs'].find(each =>
    Object.hasOwn(properties, each),
  );
  if (name === undefined) return {};
  const { maximum } = properties[name] as { readonly maximum?: unknown };
  return {
    waitArgument: {
      name,
      mostSeconds: typeof maximum === 'number' && maximum > 0 ? Math.min(maximum, 3600) : 20,
    },
  };
}
