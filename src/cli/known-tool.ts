import type { ToolExplanation } from '../client/await-client.js';
import { howToOffer } from '../server/operations/how-to-offer.js';
import { similarName } from '../similar-name.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { type ChosenServer, serversNearby } from './server-choice.js';

const START = 'initiate_background_task';

/** The tool of that name. @throws UsageError with what the server has instead, and where else it may be */
export function knownTool(
  tools: readonly ToolExplanation[],
  name: string,
  server: ChosenServer,
  io: CommandIo,
): ToolExplanation {
  const found = tools.find(({ tool }) => tool === name);
  if (found !== undefined) return found;
  const names = tools.map(({ tool }) => tool);
  const nearest = similarName(name, names);
  const nearby = serversNearby(server, io);
  // A server that starts tasks as ours does is taken for it.
  const offer = names.includes(START) ? howToOffer(name) : undefined;
  const parts = [
    `The ${server.known?.kind === 'bundled' ? 'bundled server' : 'server'} has no tool \`${name}\`.`,
    offer ?? '',
    nearest === undefined ? '' : `Did you mean \`${nearest}\`?`,
    names.length === 0 ? '' : `It has: ${names.join(', ')}.`,
    nearby ?? '',
  ];
  throw new UsageError(parts.filter(Boolean).join(' '));
}
