import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { wordsOf } from '../pair/usual-places.js';
import {
  argumentDescription,
  factsOf,
  isHandleArgument,
  isLasting,
  isWorkHandle,
  singular,
  type ToolFacts,
} from './tool-facts.js';

/** Two tools that may be a pair, and why. */
export interface Proposal {
  readonly start: string;
  readonly status: string;
  /** The status tool's argument for the handle. */
  readonly argument: string;
  /** Arguments that both tools need: they are handed on. */
  readonly copied: readonly string[];
  readonly cancel: string | undefined;
  readonly score: number;
  /** Words that the two names share: which of two equals is meant. */
  readonly likeness: number;
  readonly reasons: readonly string[];
  /** Whether it is used by itself, once an answer shows the handle. */
  readonly isStrong: boolean;
}

/** What lasts for days has to show more. */
const LEAST_SCORE = { work: 4, lasting: 5 };
const STRONG_SCORE = 8;
const SECRET = /key|token|secret|password|credential|auth/i;

/** Proposes for each tool the one that tells the state of what it starts, the best first. Pure. */
export function proposePairs(tools: readonly Tool[]): readonly Proposal[] {
  const facts = factsOf(tools);
  return facts
    .filter(start => start.mayStart)
    .flatMap(start => bestFor(start, facts) ?? [])
    .sort((a, b) => b.score - a.score);
}

function bestFor(start: ToolFacts, facts: readonly ToolFacts[]): Proposal | undefined {
  const proposals = facts
    .filter(status => status !== start && status.onlyLooks && status.needed.length > 0)
    .flatMap(status => propose(start, status, facts) ?? [])
    .sort((a, b) => b.score - a.score || b.likeness - a.likeness);
  const [best, second] = proposals;
  if (best === undefined) return undefined;
  const isPlain = second === undefined || best.score > second.score || best.likeness > second.likeness;
  return isPlain
    ? best
    : { ...best, isStrong: false, reasons: [...best.reasons, `\`${second.status}\` would do as well`] };
}

function propose(start: ToolFacts, status: ToolFacts, facts: readonly ToolFacts[]): Proposal | undefined {
  const taken = argumentsOfStatus(start.tool, status);
  if (taken === undefined) return undefined;
  const { argument, copied } = taken;
  const names_ = namings(start, status, argument);
  const shared = start.nouns.filter(noun => status.nouns.includes(noun));
  const handleNouns = wordsOf(argument).slice(0, -1).map(singular);
  const isAbout = handleNouns.some(noun => start.words.includes(noun) || start.nouns.includes(noun));
  const isMentioned = !isAbout && handleNouns.some(noun => start.description.includes(noun));
  const isWorkId = isWorkHandle(argument);
  const isLater = start.worksLater;
  const tells = status.speaksOfState;
  if (names_.length === 0 && shared.length === 0 && !isAbout && !isMentioned) return undefined;
  const evidence: readonly (readonly [boolean, number, string])[] = [
    [names_.length > 0, 4, names_.join(', ')],
    [names_.length > 1, 1, 'each speaks of the other'],
    [shared.length > 0, 2, `both are about \`${shared.join(' ')}\``],
    [isAbout, 1, `\`${argument}\` is named after \`${start.tool.name}\``],
    [status.tellsState, 2, `\`${status.tool.name}\` is named after a state`],
    [tells, 1, 'its description speaks of a state'],
    [isWorkId, 1, `\`${argument}\` is a handle of work`],
    [isMentioned, 1, `\`${start.tool.name}\` speaks of what \`${argument}\` is for`],
    [isLater, 2, `\`${start.tool.name}\` says that its work goes on after the answer`],
    [status.tool.annotations?.readOnlyHint === true, 1, 'marked as read-only'],
  ];
  const held = evidence.filter(([holds]) => holds);
  const score = held.reduce((sum, [, points]) => sum + points, 0);
  // Of `sync_connection` and `get_job_status(job_id)`, the job is waited for.
  const isWork = !start.records && !isLasting(handleNouns.length > 0 ? handleNouns : status.nouns);
  if (score < LEAST_SCORE[isWork ? 'work' : 'lasting'] || !(status.tellsState || tells || isWorkId))
    return undefined;
  // Somebody who reads the descriptions would take them for a pair.
  const isSaid = names_.length > 0 && (isLater || status.tellsState);
  return {
    start: start.tool.name,
    status: status.tool.name,
    argument,
    copied,
    cancel: cancelFor(argument, shared, facts),
    score,
    likeness: start.words.filter(word => status.words.includes(word)).length,
    reasons: [
      ...held.map(([, , reason]) => reason),
      ...(isWork ? [] : ['but it may be about what lasts for days']),
    ],
    isStrong: isWork && !start.looksUp && (isSaid || (score >= STRONG_SCORE && isLater && status.tellsState)),
  };
}

/** Where one tool names the other. */
function namings(start: ToolFacts, status: ToolFacts, argument: string): readonly string[] {
  const described = argumentDescription(status.tool.inputSchema.properties?.[argument]);
  return [
    ...(names(start.description, status.tool.name)
      ? [`\`${start.tool.name}\` names \`${status.tool.name}\``]
      : []),
    ...(names(`${status.description}\n${described.toLowerCase()}`, start.tool.name)
      ? [`\`${status.tool.name}\` names \`${start.tool.name}\``]
      : []),
  ];
}

/** @param text in lower case */
export function names(text: string, tool: string): boolean {
  const at = text.indexOf(tool.toLowerCase());
  if (at < 0 || !/[_-]|[a-z][A-Z]/.test(tool)) return false;
  return !/[\w-]/.test(text[at - 1] ?? '') && !/[\w-]/.test(text[at + tool.length] ?? '');
}

/** The argument for the handle, and those that the start tool has, too; undefined where the status tool needs more. */
function argumentsOfStatus(
  start: Tool,
  status: ToolFacts,
): { readonly argument: string; readonly copied: readonly string[] } | undefined {
  const { needed } = status;
  const given = start.inputSchema.properties ?? {};
  const copied = needed.filter(name => Object.hasOwn(given, name));
  // What is handed on stands in references.
  if (copied.some(name => SECRET.test(name))) return undefined;
  const own = needed.filter(name => !Object.hasOwn(given, name));
  const [argument] = own;
  const schema = status.tool.inputSchema.properties?.[argument ?? ''];
  if (argument === undefined || own.length !== 1 || !isHandleArgument(argument, schema)) return undefined;
  return { argument, copied };
}

function cancelFor(
  argument: string,
  shared: readonly string[],
  facts: readonly ToolFacts[],
): string | undefined {
  const found = facts.filter(
    ({ tool, words, nouns }) =>
      words.some(word => word === 'cancel' || word === 'abort') &&
      Object.hasOwn(tool.inputSchema.properties ?? {}, argument) &&
      (tool.inputSchema.required ?? [argument]).every(name => name === argument) &&
      (shared.length === 0 || nouns.some(noun => shared.includes(noun))),
  );
  return found.length === 1 ? found[0]?.tool.name : undefined;
}
