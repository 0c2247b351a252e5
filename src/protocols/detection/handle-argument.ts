import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { singular } from '../lexicon.js';
import { wordsOf } from '../pair/usual-places.js';
import { isRecord } from '../tool-result.js';
import { argumentDescription, factsOfTool, isHandleArgument, type ToolFacts } from './tool-facts.js';

const MAX_ALTERNATIVES = 4;
const SECRET_KEYS = new Set(['api', 'access', 'secret', 'private', 'public', 'auth', 'license']);
const SECRET = /key|token|secret|password|credential|auth/i;
/** Arguments that say where a thing is: handed on where both tools take them. */
const CONTEXT = new Set(
  'namespace project project_id region location zone organization organization_id org org_id workspace workspace_id cluster account tenant environment database site repo repository owner host instance'.split(
    ' ',
  ),
);
/** Arguments that take a handle although they are no id, where the tool cannot do without them. */
const OTHER_HANDLES = new Set('name url uri project reference'.split(' '));

/** How a status tool would be asked about what a start tool started. */
export interface StatusCall {
  /** The argument for the handle. */
  readonly argument: string;
  readonly isId: boolean;
  /** Whether only a value under that very key will do, since it is one of several that may be left out. */
  readonly isExactOnly: boolean;
  /** Arguments that the start tool has, too: they are handed on. */
  readonly copied: readonly string[];
}

/** The ways to ask a status tool; none where it needs more than the handle and arguments of the start call. */
export function statusCalls(start: ToolFacts, status: ToolFacts): readonly StatusCall[] {
  const [wrapper, inner] = wrapped(status.tool) ?? [];
  if (inner !== undefined)
    return statusCalls(start, factsOfTool(inner, status.words))
      .filter(({ copied }) => copied.length === 0)
      .map(call => ({ ...call, argument: `${wrapper}.${call.argument}` }));
  const { properties: given = {}, required: needed = [] } = start.tool.inputSchema;
  const { properties = {}, required = [] } = status.tool.inputSchema;
  const context = Object.keys(properties).filter(name => CONTEXT.has(name) && Object.hasOwn(given, name));
  const call = (argument: string, isId: boolean, isExactOnly: boolean): StatusCall => {
    const others = required.filter(name => name !== argument && Object.hasOwn(given, name));
    const copied = [...new Set([...others, ...context])].filter(name => name !== argument);
    return { argument, isId, isExactOnly, copied };
  };
  const isId = (name: string) => isHandleArgument(name, properties[name]);
  if (start.tool.name === status.tool.name) return callsOfSameTool(status);
  const own = status.needed.filter(name => !Object.hasOwn(given, name));
  // An argument that the start call may leave out can be named by its answer.
  const chosen = status.needed.filter(name => Object.hasOwn(given, name) && !needed.includes(name));
  const [only, second] = own.length > 0 ? own : chosen;
  const canTake = (name: string) => isId(name) || isOtherHandle(name, properties[name], start, status);
  const free = Object.keys(properties).filter(name => !Object.hasOwn(given, name));
  if (required.length > 0 && only === undefined) {
    // All that it needs is what the start was given, and it tells of the latest where it gets no id.
    const [id, other] = free.filter(isId);
    const isGiven = required.every(name => needed.includes(name));
    return isGiven && id !== undefined && other === undefined
      ? [call(id, true, true)].filter(isFreeOfSecrets)
      : [];
  }
  if (required.length > 0)
    return only !== undefined && second === undefined && canTake(only)
      ? [call(only, isId(only), false)].filter(isFreeOfSecrets)
      : [];
  const handles = free.filter(
    name => isId(name) || isKey(name, properties[name]) || (free.length === 1 && canTake(name)),
  );
  return handles
    .slice(0, MAX_ALTERNATIVES)
    .map(name => call(name, isId(name), handles.length > 1))
    .filter(isFreeOfSecrets);
}

/** A tool of one argument that holds all others, as Pydantic models do: its name, and the tool without it. */
function wrapped(tool: Tool): readonly [string, Tool] | undefined {
  const { properties = {}, required = [], $defs } = tool.inputSchema;
  const [name, second] = Object.keys(properties);
  const schema = properties[name ?? ''];
  if (name === undefined || second !== undefined || !required.includes(name) || !isRecord(schema))
    return undefined;
  const reference = /^#\/\$defs\/(\w{1,100})$/.exec(String(schema.$ref))?.[1];
  const held = reference !== undefined && isRecord($defs) ? $defs[reference] : schema;
  return isRecord(held) && isRecord(held.properties)
    ? [name, { ...tool, inputSchema: held as Tool['inputSchema'] }]
    : undefined;
}

/** The way to ask the tool that also starts: by its only id, which other actions do without. */
function callsOfSameTool({ tool, needed }: ToolFacts): readonly StatusCall[] {
  const { properties = {}, required = [] } = tool.inputSchema;
  const [argument, second] = Object.keys(properties).filter(name => isHandleArgument(name, properties[name]));
  if (argument === undefined || second !== undefined || required.length > 0 || !needed.includes(argument))
    return [];
  return [{ argument, isId: true, isExactOnly: false, copied: [] }];
}

/** Copied arguments are kept in references, which hold no secrets. */
function isFreeOfSecrets({ copied }: StatusCall): boolean {
  return !copied.some(name => SECRET.test(name));
}

/** `subscription_key`, but not `api_key` */
function isKey(name: string, schema: unknown): boolean {
  const [of = '', key, ...others] = wordsOf(name);
  const isText = isRecord(schema) && schema.type === 'string';
  return isText && key === 'key' && others.length === 0 && !SECRET_KEYS.has(of);
}

function isOtherHandle(name: string, schema: unknown, start: ToolFacts, status: ToolFacts): boolean {
  const words = wordsOf(name).map(singular);
  const types = isRecord(schema) ? [schema.type ?? 'string'].flat() : ['string'];
  if (!types.includes('string') || words.length > 2) return false;
  if (OTHER_HANDLES.has(words.at(-1) ?? '')) return true;
  // `workflow` of `get_workflow_status`; "Project ID from video generation"
  const isNoun = words.every(word => status.nouns.includes(word) || start.nouns.includes(word));
  return isNoun || /\bid\b|identifier|uuid/i.test(argumentDescription(schema));
}

/** The tool that cancels the work of a handle, if there is exactly one. */
export function cancelFor(
  argument: string,
  shared: readonly string[],
  facts: readonly ToolFacts[],
): ToolFacts | undefined {
  const found = facts.filter(
    ({ tool, words, nouns }: ToolFacts) =>
      words.some(word => word === 'cancel' || word === 'abort') &&
      takesOnly(tool, argument) &&
      (shared.length === 0 || nouns.some(noun => shared.includes(noun))),
  );
  return found.length === 1 ? found[0] : undefined;
}

/** Whether a tool can be called with one argument. */
export function takesOnly({ inputSchema }: Tool, argument: string): boolean {
  return (
    Object.hasOwn(inputSchema.properties ?? {}, argument) &&
    (inputSchema.required ?? [argument]).every(name => name === argument)
  );
}
