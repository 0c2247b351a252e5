import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { similarName } from '../similar-name.js';
import type { Pair } from './pair/profile.js';
import type { ServerFacts } from './protocol.js';
import { isRecord } from './tool-result.js';

/** Whether the tool is marked so that a second call does nothing that the first did not. */
export function isMarkedIdempotent({ annotations }: Tool): boolean {
  // spec 2025-11-25, schema, ToolAnnotations: again with the same arguments has no additional effect, also where the first destroys.
  return annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
}

/** The type of a tool's argument, as its schema tells. */
export function argumentType(tool: Tool | undefined, path: string): 'string' | 'number' | undefined {
  const schema = argumentSchema(tool, path);
  const types = [schema?.type ?? []].flat();
  if (types.includes('string')) return 'string';
  return types.includes('number') || types.includes('integer') ? 'number' : undefined;
}

/** The schema of an argument; undefined where the tool does not list it. */
export function argumentSchema(tool: Tool | undefined, path: string): Record<string, unknown> | undefined {
  let schema: unknown = tool?.inputSchema;
  for (const key of path.split('.')) {
    const properties: unknown = isRecord(schema) ? schema.properties : undefined;
    schema = isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  }
  return isRecord(schema) ? schema : undefined;
}

/** The only value that an argument may have. */
export function soleValue(schema: unknown): string | number | boolean | undefined {
  if (!isRecord(schema)) return undefined;
  const value = Array.isArray(schema.enum) && schema.enum.length === 1 ? schema.enum[0] : schema.const;
  return ['string', 'number', 'boolean'].includes(typeof value) ? value : undefined;
}

export function takes(tool: Tool | undefined, path: string): boolean {
  return argumentSchema(tool, path) !== undefined;
}

export function startTools({ start }: Pair): readonly string[] {
  return [start.tool].flat();
}

/** Whether the definition of a tool says that it is one of the pair. */
export function isMarked({ _meta }: Pick<Tool, '_meta'>, { name, marked }: Pair): boolean {
  return marked !== undefined && _meta?.[marked.definitionKey] === name;
}

/** Whether a tool starts tasks of the pair: by its name, or by what its definition says. */
export function starts(tool: Tool, pair: Pair): boolean {
  return startTools(pair).includes(tool.name) || isMarked(tool, pair);
}

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
    for (const path of [used.handleArgument, ...Object.keys(used.arguments ?? {}), ...others])
      if (path !== undefined && lacks(tool, path)) return missingArgument(pair, tool, path);
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
