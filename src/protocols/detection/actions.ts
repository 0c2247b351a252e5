import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { LOOKING_ACTIONS } from '../lexicon/verbs.js';
import { wordsOf } from '../pair/usual-places.js';
import { isRecord } from '../tool-result.js';
import { type Action, factsOfTool, type ToolFacts } from './tool-facts.js';

const ACTION_ARGUMENTS = new Set(['action', 'operation', 'op', 'command', 'subcommand']);
const MAX_ACTIONS = 40;

/**
 * What names tell of each action of the tools that have several, as if it were a tool of its own. Descriptions do not
 * count: they speak of all actions at once.
 */
export function actionsOf(facts: readonly ToolFacts[]): readonly ToolFacts[] {
  return facts.flatMap(({ tool, words }) =>
    actionsOfTool(tool).map(action => factsOfAction(tool, action, words)),
  );
}

function actionsOfTool({ inputSchema }: Tool): readonly Action[] {
  const { properties = {}, required = [] } = inputSchema;
  const [argument, second] = Object.keys(properties).filter(name => ACTION_ARGUMENTS.has(name));
  const schema = properties[argument ?? ''];
  if (argument === undefined || second !== undefined || !required.includes(argument)) return [];
  const values = isRecord(schema) && Array.isArray(schema.enum) ? schema.enum : [];
  const isText = (value: unknown): value is string => typeof value === 'string';
  return values
    .filter(isText)
    .slice(0, MAX_ACTIONS)
    .map(value => ({ argument, value }));
}

function factsOfAction(tool: Tool, action: Action, words: readonly string[]): ToolFacts {
  const { properties = {}, required = [] } = tool.inputSchema;
  const others = Object.entries(properties).filter(([name]) => name !== action.argument);
  const alone: Tool = {
    name: tool.name,
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(others) as Record<string, object>,
      required: required.filter(name => name !== action.argument),
    },
  };
  const verbs = wordsOf(action.value);
  const facts = factsOfTool(alone, [...verbs, ...words]);
  const isDestructive = tool.annotations?.destructiveHint === true;
  return {
    ...facts,
    action,
    onlyLooks: LOOKING_ACTIONS.includes(action.value) && !isDestructive,
    mayStart: facts.mayStart && facts.verb !== undefined && facts.verb === verbs[0],
  };
}
