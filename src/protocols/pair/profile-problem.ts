import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { similarName } from '../../similar-name.js';
import type { ServerFacts } from '../protocol.js';
import { isRecord } from '../tool-result.js';
import { argumentSchema } from './handle.js';
import { type Pair, starts, startTools } from './profile.js';

const MAX_NAMED = 50;

/** Why a profile does not fit the tools of a server; undefined where it does. */
export function profileProblem(pair: Pair, { tools }: ServerFacts): string | undefined {
  const { status, result, cancel } = pair;
  const { waitArgument, many } = status;
  const needed = [
    ['status', status, [waitArgument?.name, many?.argument]],
    ['result', result, []],
    ['cancel', cancel, []],
  ] as const;
  for (const [role, used, others] of needed) {
    if (used === undefined) continue;
    const tool = tools.find(({ name }) => name === used.tool);
    if (tool === undefined) return missingTool(pair, `${role} tool`, used.tool, tools);
    const paths = [used.handleArgument, ...Object.keys(used.arguments ?? {}), ...others];
    const missing = paths.find(path => path !== undefined && lacks(tool, path));
    if (missing !== undefined) return missingArgument(pair, tool, missing);
  }
  return undefined;
}

/** What is wrong with a profile none of whose start tools the server has. */
export function unstartable(pair: Pair, { tools }: ServerFacts): string | undefined {
  const [first = ''] = startTools(pair);
  return tools.some(tool => starts(tool, pair)) ? undefined : missingTool(pair, 'start tool', first, tools);
}

/** Whether a tool is what a profile probably means by the name of its start tool. */
export function isMeant({ name }: Tool, pair: Pair, { tools }: ServerFacts): boolean {
  const names = tools.map(tool => tool.name);
  return startTools(pair).some(start => similarName(start, names) === name);
}

function missingTool({ name }: Pair, role: string, missing: string, tools: readonly Tool[]): string {
  const names = tools.map(tool => tool.name);
  const nearest = similarName(missing, names);
  const guess = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
  return `The profile \`${name}\` names the ${role} \`${missing}\`, which the server does not have.${guess} It has: ${listed(names)}.`;
}

function missingArgument({ name }: Pair, tool: Tool, missing: string): string {
  const names = Object.keys(tool.inputSchema.properties ?? {});
  return `The profile \`${name}\` names the argument \`${missing}\` of \`${tool.name}\`, which the tool does not have. It has: ${listed(names)}.`;
}

function listed(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return names.length === 0 ? 'none' : `${names.slice(0, MAX_NAMED).join(', ')}${more}`;
}

/** Where a schema may list arguments besides `properties`. */
const ELSEWHERE = ['anyOf', 'oneOf', 'allOf', '$ref', 'patternProperties'];

/** Whether a tool lists its arguments, and not this one. */
export function lacks(tool: Tool, path: string): boolean {
  const [first = ''] = path.split('.');
  const { properties, additionalProperties, ...others } = tool.inputSchema;
  if (properties === undefined || argumentSchema(tool, first) !== undefined) return false;
  const isOpen = additionalProperties === true || isRecord(additionalProperties);
  return !isOpen && !ELSEWHERE.some(key => key in others);
}
