import type { AwaitClient } from '../client/await-client.js';
import { addPairs, configFileOf } from '../client/mcp-config.js';
import type { PairProfile } from '../client/pair-options.js';
import { reasonsOf } from '../protocols/detection/evidence.js';
import { pairOfProposal } from '../protocols/detection/found-pair.js';
import { type Proposal, proposePairs } from '../protocols/detection/propose.js';
import { PromptReader } from './ask/line-reader.js';
import { canAsk } from './ask/terminal-asker.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printJson } from './report.js';
import { plainText } from './terminal-text.js';
import { withClient } from './with-client.js';

export interface PairsFlags extends ServerFlags {
  readonly yes?: boolean;
}

/** `mcp-await pairs init`: proposes profiles for a server, and writes those that are accepted. */
export function pairs(flags: PairsFlags, command: readonly string[], io: CommandIo): Promise<number> {
  return withClient(flags, command, io, async ({ client, interrupts, view }) => {
    view.step('asking for the list of tools');
    const proposed = await proposalsOf(client);
    view.stop();
    if (proposed.length === 0) {
      io.stderr.write('No two tools of the server look like a pair that is not known already.\n');
      return ExitCode.completed;
    }
    using lines = flags.yes !== true && canAsk(io) ? new PromptReader(io) : undefined;
    const accepted: PairProfile[] = [];
    for (const { proposal, profile } of proposed) {
      io.stderr.write(textOf(proposal));
      const answer = await lines?.read('Take it? [y/N] ', interrupts.first);
      if (answer === undefined ? proposal.isStrong : /^y(es)?$/i.test(answer.trim())) accepted.push(profile);
    }
    printJson(io, accepted);
    const isAccepted = flags.yes === true || lines !== undefined;
    if (accepted.length > 0) io.stderr.write(`${isAccepted ? keep(accepted, flags, io) : HOW_TO_KEEP}\n`);
    return ExitCode.completed;
  });
}

const HOW_TO_KEEP =
  'Nothing was written. --yes with --server NAME writes these; or put them under `pairs` of the server yourself.';

async function proposalsOf(client: AwaitClient) {
  const rows = await client.explainTools();
  const tools = rows.map(({ definition }) => definition);
  // Tools that a profile tells of need no proposal.
  const open = new Set(
    rows.flatMap(({ tool, protocol, found }) => (protocol === 'sync' || found !== undefined ? [tool] : [])),
  );
  return (
    proposePairs(tools)
      // A profile is about all calls of its start tool.
      .filter(({ start, when }) => open.has(start) && when === undefined)
      .map(proposal => {
        const { version: _first, hides: _none, words: _usual, ...profile } = pairOfProposal(proposal, tools);
        return {
          proposal,
          profile: { ...profile, name: profile.name.replace(/^found\//, '') } as PairProfile,
        };
      })
  );
}

function textOf({ start, status, argument, score, evidence, vetoes, isStrong }: Proposal): string {
  const lines = [
    plainText(`${start} → ${status}(${argument}): ${isStrong ? 'strong' : 'weak'} evidence, score ${score}`),
    ...reasonsOf([...evidence, ...vetoes]).map(reason => `  - ${plainText(reason)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** @returns what became of them, for a person */
function keep(accepted: readonly PairProfile[], { server, config }: PairsFlags, io: CommandIo): string {
  const file = server === undefined ? undefined : configFileOf({ configFile: config, directory: io.cwd() });
  if (server === undefined || file === undefined) return HOW_TO_KEEP;
  const added = addPairs(file, server, accepted);
  return `${added} of ${accepted.length} written to the server \`${server}\` in ${file}; the others were there.`;
}
