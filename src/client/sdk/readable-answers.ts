import {
  type CallToolResult,
  type CallToolResultSchema,
  CompleteResultSchema,
  GetPromptResultSchema,
  PromptSchema,
  ReadResourceResultSchema,
  ResourceSchema,
  ResourceTemplateSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { ProtocolViolationError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import { type ListedTool, readListedTool } from '../../protocols/listed-tool.js';
import { readKnownBlock } from '../../protocols/readable-result.js';
import { readTolerantly } from '../../protocols/tolerant.js';
import { isRecord } from '../../protocols/tool-result.js';

type Json = Readonly<Record<string, unknown>>;

/** A foreign answer in MCP's shape. */
export interface ReadAnswer {
  readonly answer: Json;
  /** What could not be read, as sentences for a person. */
  readonly problems: readonly string[];
}

/** More than any real server has on one page. */
const MAX_ITEMS = 10_000;

type Reader = (answer: Json) => ReadAnswer;
type ItemReader = (item: unknown) => { readonly item: unknown; readonly problem: string | undefined };

const READERS: Readonly<Record<string, Reader>> = {
  'tools/list': listOf('tools', item => {
    const { tool, problem }: ListedTool = readListedTool(item);
    return { item: tool, problem };
  }),
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
    const isList = Array.isArray(list);
    const told = isList || list === undefined || list === null ? [] : [`The list of ${key} is no list.`];
    const given: readonly unknown[] = isList ? list : [];
    const items = given.slice(0, MAX_ITEMS).map(read);
    const problems = [
      ...told,
      ...items.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
      ...(given.length > MAX_ITEMS ? [`Of ${given.length} ${key} the first ${MAX_ITEMS} are used.`] : []),
    ];
    const hasNext = typeof nextCursor === 'string' || typeof nextCursor === 'number';
    const answer = {
      ...rest,
      ...(isRecord(_meta) && { _meta }),
      [key]: items.map(({ item }) => item).filter(item => item !== undefined),
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
