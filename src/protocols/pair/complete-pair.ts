import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { takesOnly } from '../detection/handle-argument.js';
import { factsOf, type ToolFacts } from '../detection/tool-facts.js';
import { LOOKING_ACTIONS, TAKING } from '../lexicon.js';
import { soleValue } from '../tool-definition.js';
import { isRecord } from '../tool-result.js';
import type { Pair } from './profile.js';
import { numberedStates } from './words.js';

/** A status tool that offers to hold its answer back takes the longest time under one of these names. */
const HOLD_ARGUMENTS = ['waitSecs', 'wait_seconds', 'waitSeconds', 'wait_secs'];
/** Without one of these at false it would wait itself. */
const WAIT_FLAGS = 'wait block blocking wait_for_completion waitForCompletion poll follow watch'.split(' ');
/** The best first. */
const RESULT_WORDS = 'result results output outputs report response transcript answer summary history'.split(
  ' ',
);

/** What waits, lists others or gives a part: `tail_job_output`. */
const NO_RESULT = new Set(['wait', 'await', 'list', 'tail', 'head', 'preview']);

/** A profile that says only which tools and which argument, with what the list of tools tells of the rest. */
export function completePair(pair: Pair, tools: readonly Tool[]): Pair {
  const statusTool = tools.find(({ name }) => name === pair.status.tool);
  if (statusTool === undefined) return pair;
  const result = pair.result ?? resultOf(pair, tools);
  return {
    ...pair,
    words: { ...numberedStates(statusTool), ...pair.words },
    status: { ...pair.status, ...holdingOf(pair, statusTool) },
    ...(result !== undefined && { result }),
  };
}

function holdingOf({ status }: Pair, { name, description = '', inputSchema }: Tool): Partial<Pair['status']> {
  const properties = inputSchema.properties ?? {};
  const hold = HOLD_ARGUMENTS.find(each => Object.hasOwn(properties, each));
  const flag = WAIT_FLAGS.find(each => isRecord(properties[each]) && properties[each].type === 'boolean');
  const { maximum } = (properties[hold ?? ''] ?? {}) as { readonly maximum?: unknown };
  const mostSeconds = typeof maximum === 'number' && maximum > 0 ? Math.min(maximum, 3600) : 20;
  const waits =
    /wait|await/i.test(name) ||
    /waits? (for|until)|blocks? until|until (it|the \w{1,30}) (is|completes?|finish)/i.test(
      description.slice(0, 2000),
    );
  const sole = (inputSchema.required ?? []).flatMap(each => {
    const value = soleValue(properties[each]);
    return value === undefined ? [] : [[each, { value }] as const];
  });
  const given = {
    ...Object.fromEntries(sole),
    ...(flag !== undefined && { [flag]: { value: false } }),
    ...actionOf(status, inputSchema),
  };
  return {
    ...(hold !== undefined &&
      status.waitArgument === undefined && {
        waitArgument: { name: hold, mostSeconds, unit: 'seconds', fractions: false },
      }),
    ...(Object.keys(given).length > 0 && { arguments: { ...given, ...status.arguments } }),
    ...(flag === undefined && hold === undefined && waits && { mayHold: true }),
  };
}

/** What a tool of several actions is told to do: only where it has one action of these names, and needs nothing else. */
function actionOf(
  { handleArgument, arguments: told = {} }: Pair['status'],
  { properties = {}, required = [] }: Tool['inputSchema'],
): NonNullable<Pair['status']['arguments']> {
  const [open, second] = required.filter(name => name !== handleArgument && !Object.hasOwn(told, name));
  const schema = properties[open ?? ''];
  if (open === undefined || second !== undefined || !isRecord(schema) || !Array.isArray(schema.enum))
    return {};
  const values = schema.enum;
  const action = LOOKING_ACTIONS.find(each => values.includes(each));
  return action === undefined ? {} : { [open]: { value: action } };
}

/** The one tool that only reads, takes nothing but the handle, and is named after a result. */
function resultOf({ status }: Pair, tools: readonly Tool[]): Pair['result'] {
  const argument = status.handleArgument;
  if (status.resultAt !== undefined) return undefined;
  const facts = factsOf(tools);
  const found = facts.filter(each => each.tool.name !== status.tool && givesResult(each, argument));
  const [best, second] = found.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined || (second !== undefined && rank(best) === rank(second))) return undefined;
  const { name } = best.tool;
  return { tool: name, handleArgument: argument, arguments: {}, alsoFailed: false, whenMissing: true };
}

function givesResult({ tool, words, onlyLooks }: ToolFacts, argument: string): boolean {
  return (
    onlyLooks &&
    words.some(word => RESULT_WORDS.includes(word)) &&
    !words.some(word => TAKING.has(word) || NO_RESULT.has(word)) &&
    takesOnly(tool, argument)
  );
}

function rank({ words }: ToolFacts): number {
  return RESULT_WORDS.findIndex(word => words.includes(word));
}
