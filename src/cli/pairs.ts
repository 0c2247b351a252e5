import type { AwaitClient } from '../client/await-client.js';
import { addPairs, configFileOf } from '../client/connect/mcp-config.js';
import type { PairProfile } from '../client/tools/pair-options.js';
import { reasonsOf } from '../protocols/detection/evidence.js';
import { type Proposal, pairOfProposal, proposePairs } from '../protocols/detection/propose.js';
import { type Pair, withWords } from '../protocols/pair/profile.js';
import { PromptReader } from './ask/line-reader.js';
import { canAsk } from './ask/terminal-asker.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { knownTool } from './known-tool.js';
import { type WordFlags, wordsOfFlags } from './pair-flags.js';
import { printJson } from './report.js';
import { plainText } from './terminal-text.js';
import type { TryFlags, Trying } from './try-pair.js';
import { withClient } from './with-client.js';

export interface PairsFlags extends ServerFlags, WordFlags, TryFlags {
  readonly yes?: boolean;
  /** The start tool that is meant. */
  readonly tool?: string;
}

/** A pair of tools with the profile that it comes to. */
interface ProposedPair {
  readonly proposal: Proposal;
  readonly pair: Pair;
}

/** `mcp-await pairs init`: proposes profiles for a server, and writes those that are accepted. */
export function pairs(flags: PairsFlags, command: readonly string[], io: CommandIo): Promise<number> {
  if (flags.try === undefined && flags.timeout !== undefined)
    throw new UsageError('--timeout goes with --try.');
  // The answers of the two tools are wanted as they come.
  return withClient({ ...flags, detect: flags.try === undefined }, command, io, async session => {
    const { client, interrupts, server, view } = session;
    view.step('asking for the list of tools');
    const all = await proposalsOf(client);
    view.stop();
    const proposed = all.filter(({ proposal }) => flags.tool === undefined || proposal.start === flags.tool);
    if (proposed.length === 0) {
      if (flags.tool !== undefined) knownTool(await client.explainTools(), flags.tool, server, io);
      io.stderr.write(
        flags.tool === undefined
          ? `No two tools of the server look like a pair that is not known already: \`mcp-await tools --why${server.words}\` tells how each tool is awaited.\n`
          : `\`${plainText(flags.tool)}\` looks like the start of no pair, or of one that is known already.${startsOf(all)}\n`,
      );
      return flags.try === undefined ? ExitCode.completed : ExitCode.failed;
    }
    using lines = flags.yes !== true && canAsk(io) ? new PromptReader(io) : undefined;
    const open = flags.try === undefined ? proposed : await tried(proposed, { flags, session, io, lines });
    if (open === undefined) return ExitCode.failed;
    const accepted: PairProfile[] = [];
    for (const { proposal, pair } of open) {
      const profile = profileOf(withWords(pair, wordsOfFlags(flags)));
      io.stderr.write(
        flags.try === undefined ? textOf(proposal) : `${JSON.stringify(profile, undefined, 2)}\n`,
      );
      const answer = await lines?.read('Take it? [y/N] ', interrupts.second);
      if (
        answer === undefined ? proposal.isStrong || flags.try !== undefined : /^y(es)?$/i.test(answer.trim())
      )
        accepted.push(profile);
    }
    printJson(io, accepted);
    const isAccepted = flags.yes === true || lines !== undefined;
    if (accepted.length > 0) io.stderr.write(`${isAccepted ? keep(accepted, flags, io) : HOW_TO_ACCEPT}\n`);
    return ExitCode.completed;
  });
}

const HOW_TO_ACCEPT =
  'Nothing was written, because nobody was asked: --yes writes these into the file of --server NAME.';
const HOW_TO_KEEP =
  'Nothing was written, because no file names this server: put these under `pairs` of its entry in an mcp.json, or give --server NAME of one.';

/** The one pair that is meant, with what its run has shown; undefined where that failed. @throws UsageError when several may be meant */
async function tried(
  proposed: readonly ProposedPair[],
  trying: Trying & { readonly flags: PairsFlags },
): Promise<readonly ProposedPair[] | undefined> {
  const strong = proposed.filter(({ proposal }) => proposal.isStrong);
  const [only, second] = strong.length > 0 ? strong : proposed;
  if (only === undefined || (second !== undefined && trying.flags.tool === undefined))
    throw new UsageError(`Name the start tool to try with --tool NAME.${startsOf(proposed)}`);
  const { tryPair } = await import('./try-pair.js');
  trying.io.stderr.write(textOf(only.proposal));
  const words = wordsOfFlags(trying.flags);
  const pair = await tryPair(withWords(only.pair, words), trying);
  return pair && [{ proposal: only.proposal, pair }];
}

function startsOf(proposed: readonly ProposedPair[]): string {
  const names = [...new Set(proposed.map(({ proposal }) => plainText(proposal.start)))];
  return names.length === 0 ? '' : ` There are: ${names.join(', ')}.`;
}

async function proposalsOf(client: AwaitClient): Promise<readonly ProposedPair[]> {
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
      .map(proposal => ({ proposal, pair: pairOfProposal(proposal, tools) }))
  );
}

/** What is worth writing down of a pair that was found: no defaults. */
function profileOf({ version: _first, hides: _none, words, start, status, ...profile }: Pair): PairProfile {
  const { alwaysHandle: _any, tellsEnd: _only, ...startFields } = start;
  const { resultAlone: _whole, mayHold, ...statusFields } = status;
  return {
    ...profile,
    start: startFields,
    status: { ...statusFields, ...(mayHold && { mayHold }) },
    ...(Object.keys(words).length > 0 && { words }),
    name: profile.name.replace(/^found\//, ''),
  };
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
  const others = added === accepted.length ? '' : '; the others were there';
  return `${added} of ${accepted.length} written to the server \`${server}\` in ${file}${others}.`;
}
