import { type Tool, ToolSchema } from '@modelcontextprotocol/sdk/types.js';
import { excerpt } from './excerpt.js';
import { readTolerantly } from './tolerant.js';
import { isRecord } from './tool-result.js';

/** One tool of a foreign list. */
export interface ListedTool {
  /** Undefined where it cannot be called. */
  readonly tool: Tool | undefined;
  /** What is wrong with it, as a sentence for a person; undefined where nothing is. */
  readonly problem: string | undefined;
}

/** Names of real tools have up to 128 characters (spec 2025-11-25, server/tools, "Tool Names"). */
const MAX_NAME_CHARACTERS = 1000;

/**
 * Reads one tool of `tools/list`: null is absent, an optional field that cannot be read is left out, and an input schema that
 * is none takes any arguments.
 */
export function readListedTool(value: unknown): ListedTool {
  if (!isRecord(value)) return { tool: undefined, problem: 'A tool is left out: it is no object.' };
  const { name } = value;
  if (typeof name !== 'string' || name === '')
    return { tool: undefined, problem: 'A tool is left out: it has no name.' };
  const known = `The tool \`${excerpt(name)}\``;
  if (name.length > MAX_NAME_CHARACTERS)
    return { tool: undefined, problem: `${known} is left out: its name has ${name.length} characters.` };
  const input = readInputSchema(value.inputSchema);
  const { data, problems } = readTolerantly(ToolSchema, { ...value, inputSchema: input.schema });
  if (data === undefined)
    return { tool: undefined, problem: `${known} is left out: ${problems.join('; ')}.` };
  const told = [...(input.problem === undefined ? [] : [input.problem]), ...problems];
  return { tool: data, problem: told.length === 0 ? undefined : `${known}: ${told.join('; ')}.` };
}

interface ReadSchema {
  readonly schema: object;
  readonly problem: string | undefined;
}

/** Arguments are always an object, whatever else a schema says. */
function readInputSchema(value: unknown): ReadSchema {
  const open = { type: 'object' };
  if (!isRecord(value)) return { schema: open, problem: 'it has no input schema, and takes any arguments' };
  const { type, properties, required, ...rest } = value;
  if (![type ?? 'object'].flat().includes('object')) {
    const problem = `its input schema is of type ${excerpt(JSON.stringify(type))}, and it takes any arguments`;
    return { schema: open, problem };
  }
  const schema = {
    ...rest,
    type: 'object',
    ...(isRecord(properties) && { properties: readProperties(properties) }),
    ...(Array.isArray(required) && { required: required.filter(each => typeof each === 'string') }),
  };
  const isOfMcp = ToolSchema.shape.inputSchema.safeParse({
    ...value,
    properties: properties ?? undefined,
    required: required ?? undefined,
  }).success;
  return { schema, problem: isOfMcp ? undefined : 'its input schema is not as MCP wants it' };
}

/** A schema may be `true` or `false`, which MCP's own type does not know. */
function readProperties(properties: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      if (schema === false) return [name, { not: {} }];
      return [name, isRecord(schema) ? schema : {}];
    }),
  );
}

/** Whether the tool is marked so that a second call does nothing that the first did not. */
export function isMarkedIdempotent({ annotations }: Tool): boolean {
  // spec 2025-11-25, schema, ToolAnnotations: again with the same arguments has no additional effect, also where the first destroys.
  return annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
}
