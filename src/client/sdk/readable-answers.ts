import {
  type CallToolResult,
  type CallToolResultSchema,
  CompleteResultSchema,
  GetPromptResultSchema,
  PromptSchema,
  ReadResourceResultSchema,
  ResourceSchema,
  ResourceTemplateSchema,
  ToolSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { ProtocolViolationError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import { readKnownBlock, readTolerantly } from '../../protocols/readable-result.js';
import { isRecord } from '../../protocols/tool-result.js';

type Json = Readonly<Record<string, unknown>>;

/** A foreign answer in MCP's shape. */
interface ReadAnswer {
  readonly answer: Json;
  /** What could not be read, as sentences for a person. */
  readonly problems: readonly string[];
}

/** More than any real server has on one page. */
const MAX_ITEMS = 10_000;

type Reader = (answer: Json) => ReadAnswer;

interface ReadItem {
  /** Undefined where it has not what it must have. */
  readonly item: unknown;
  /** What is wrong with it, as a sentence for a person; undefined where nothing is. */
  readonly problem: string | undefined;
}

type ItemReader = (item: unknown) => ReadItem;

const READERS: Readonly<Record<string, Reader>> = {
  'tools/list': listOf('tools', readListedTool),
  'prompts/list': listOf('prompts', itemsOf(PromptSchema, 'prompt', 'name')),
  'resources/list': listOf('resources', itemsOf(ResourceSchema, 'resource', 'uri')),
  'resources/templates/list': listOf(
    'resourceTemplates',
    itemsOf(ResourceTemplateSchema, 'resource template', 'uriTemplate'),
  ),
  'prompts/get': answer => whole('prompts/get', GetPromptResultSchema, withReadableMessages(answer)),
  'resources/read': answer => whole('resources/read', ReadResourceResultSchema, answer),
  'completion/complete': answer => whole('completion/complete', CompleteResultSchema, answer),
};

/**
 * The answer to a request without what is not of MCP's shape, item by item of a list; any other answer as it is.
 * @throws ProtocolViolationError when it lacks what it must have
 */
export function readInParts(method: string, answer: Json): ReadAnswer {
  const read = READERS[method];
  return read === undefined ? { answer, problems: [] } : read(answer);
}

function listOf(key: string, read: ItemReader): Reader {
  return ({ [key]: list, nextCursor, _meta, ...rest }) => {
    const given: readonly unknown[] = Array.isArray(list) ? list : [];
    const items: unknown[] = [];
    const problems: string[] = [];
    if (given !== list && list !== undefined && list !== null)
      problems.push(`The list of ${key} is no list.`);
    for (const each of given.slice(0, MAX_ITEMS)) {
      const { item, problem } = read(each);
      if (item !== undefined) items.push(item);
      if (problem !== undefined) problems.push(problem);
    }
    if (given.length > MAX_ITEMS) problems.push(`Of ${given.length} ${key} the first ${MAX_ITEMS} are used.`);
    const hasNext = typeof nextCursor === 'string' || typeof nextCursor === 'number';
    const answer = {
      ...rest,
      ...(isRecord(_meta) && { _meta }),
      [key]: items,
      ...(hasNext && { nextCursor }),
    };
    return { answer, problems };
  };
}

function itemsOf(schema: z.ZodType, noun: string, nameKey: string): ItemReader {
  return item => {
    const { data, problems } = readTolerantly(schema, item);
    const name = isRecord(item) && typeof item[nameKey] === 'string' ? ` \`${excerpt(item[nameKey])}\`` : '';
    const what = data === undefined ? `A ${noun}${name} is left out` : `The ${noun}${name}`;
    const why = problems.length === 0 ? `it has no ${nameKey}` : problems.join('; ');
    const problem = data === undefined || problems.length > 0 ? `${what}: ${why}.` : undefined;
    return { item: data, problem };
  };
}

/** Names of real tools have up to 128 characters (spec 2025-11-25, server/tools, "Tool Names"). */
const MAX_NAME_CHARACTERS = 1000;

/**
 * Reads one tool of `tools/list`: null is absent, an optional field that cannot be read is left out, and an input schema that
 * is none takes any arguments. One that cannot be called is left out.
 */
function readListedTool(value: unknown): ReadItem {
  if (!isRecord(value)) return { item: undefined, problem: 'A tool is left out: it is no object.' };
  const { name } = value;
  if (typeof name !== 'string' || name === '')
    return { item: undefined, problem: 'A tool is left out: it has no name.' };
  const leftOut = (why: string) => ({
    item: undefined,
    problem: `The tool \`${excerpt(name)}\` is left out: ${why}.`,
  });
  if (name.length > MAX_NAME_CHARACTERS) return leftOut(`its name has ${name.length} characters`);
  const tool = ToolSchema.safeParse(value).data;
  // MCP's own schema takes a list for the schema of an argument.
  if (tool !== undefined && Object.values(tool.inputSchema.properties ?? {}).every(isRecord))
    return { item: tool, problem: undefined };
  const input = readInputSchema(value.inputSchema);
  const { data, problems } = readTolerantly(ToolSchema, { ...value, inputSchema: input.schema });
  if (data === undefined) return leftOut(problems.join('; '));
  const told = input.problem === undefined ? problems : [input.problem, ...problems];
  return {
    item: data,
    problem: told.length === 0 ? undefined : `The tool \`${excerpt(name)}\`: ${told.join('; ')}.`,
  };
}

/** Arguments are always an object, whatever else a schema says. */
function readInputSchema(value: unknown): { readonly schema: object; readonly problem: string | undefined } {
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
function readProperties(properties: Json): object {
  const read: [string, object][] = [];
  for (const [name, schema] of Object.entries(properties))
    read.push([name, schema === false ? { not: {} } : isRecord(schema) ? schema : {}]);
  return Object.fromEntries(read);
}

function whole(method: string, schema: z.ZodType, answer: Json): ReadAnswer {
  const { data, problems } = readTolerantly(schema, answer);
  if (data === undefined) {
    const shown = excerpt(JSON.stringify(answer));
    throw new ProtocolViolationError(`The answer to \`${method}\` cannot be read: ${shown}`);
  }
  return { answer: data as Json, problems };
}

function withReadableMessages(answer: Json): Json {
  if (!Array.isArray(answer.messages)) return answer;
  const messages = answer.messages.map(message =>
    isRecord(message) ? { ...message, content: readKnownBlock(message.content) } : message,
  );
  return { ...answer, messages };
}

/** A result by the schema of the caller. @throws ProtocolViolationError when it does not fit */
export function parseResult(
  result: CallToolResult,
  schema: typeof CallToolResultSchema,
  tool: string,
): CallToolResult {
  try {
    return schema.parse(result);
  } catch (error) {
    if (!(error instanceof z.core.$ZodError)) throw error;
    throw new ProtocolViolationError(
      `The result of \`${tool}\` does not fit the schema that was given: ${excerpt(z.prettifyError(error))}`,
      { tool, cause: error },
    );
  }
}

/** More pages, empty pages one after another, and items than any real list has. */
const MAX_PAGES = 1000;
const MAX_EMPTY_PAGES = 20;
const MAX_KEYS = 10_000;
/** Lists that are read at the same time, page by page. */
const MAX_CHAINS = 100;

/** What the pages before a cursor have brought. */
interface Chain {
  readonly keys: ReadonlySet<string>;
  readonly pages: number;
  readonly emptyPages: number;
}

const BEGINNING: Chain = { keys: new Set(), pages: 0, emptyPages: 0 };

/** Finds the end of lists whose server never ends them: where a page brings nothing that a page before it has not brought. */
export class ListPages {
  readonly #chains = new Map<string, Chain>();

  /** The cursor of the next page; undefined where the list is over. */
  next(cursor: unknown, keys: readonly string[], nextCursor: unknown): unknown {
    if (nextCursor === undefined || nextCursor === cursor) return undefined;
    const before = this.#chains.get(JSON.stringify(cursor) ?? '') ?? BEGINNING;
    const chain = {
      keys: new Set([...before.keys, ...keys]),
      pages: before.pages + 1,
      // A page may be empty, such as one whose tools are all for others.
      emptyPages: keys.length === 0 ? before.emptyPages + 1 : 0,
    };
    if (isOver(before, chain)) return undefined;
    const key = JSON.stringify(nextCursor);
    this.#chains.delete(key);
    this.#chains.set(key, chain);
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size <= MAX_CHAINS) break;
      this.#chains.delete(oldest);
    }
    return nextCursor;
  }
}

function isOver(before: Chain, { keys, pages, emptyPages }: Chain): boolean {
  if (pages >= MAX_PAGES || emptyPages >= MAX_EMPTY_PAGES || keys.size >= MAX_KEYS) return true;
  return before.pages > 0 && emptyPages === 0 && keys.size === before.keys.size;
}
