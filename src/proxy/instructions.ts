import { atMost } from '../time/at-most.js';
import { AWAIT_TOOL } from './still-running.js';
import type { Upstream } from './upstream.js';

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
