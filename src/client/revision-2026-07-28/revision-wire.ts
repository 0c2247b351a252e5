import type { ClientCapabilities, Implementation, JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { encodeHeader, mcpNameOf } from '../../http-headers.js';
import { isRecord } from '../../protocols/tool-result.js';

/** The version of MCP without sessions (spec 2026-07-28, basic): each request says by itself who asks and what it can. */
export const REVISION_VERSION = '2026-07-28';
export const TASKS_EXTENSION_NAME = 'io.modelcontextprotocol/tasks';

const PREFIX = 'io.modelcontextprotocol/';

/** Who asks. */
export interface ClientIdentity {
  readonly clientInfo: Implementation;
  readonly capabilities: ClientCapabilities;
}

type Params = Readonly<Record<string, unknown>>;

/** The parameters of a message with what revision 2026-07-28 wants in each. */
export function framed(
  params: Params | undefined,
  { clientInfo, capabilities }: ClientIdentity,
  logLevel?: unknown,
): Record<string, unknown> {
  const extensions = { ...capabilities.extensions, [TASKS_EXTENSION_NAME]: {} };
  return {
    ...params,
    _meta: {
      ...(params?._meta as Params | undefined),
      [`${PREFIX}protocolVersion`]: REVISION_VERSION,
      [`${PREFIX}clientInfo`]: clientInfo,
      [`${PREFIX}clientCapabilities`]: { ...capabilities, extensions },
      ...(logLevel !== undefined && { [`${PREFIX}logLevel`]: logLevel }),
    },
  };
}

/** Where a server says its name in a result. */
export const SERVER_INFO_META = `${PREFIX}serverInfo`;

/** An argument that also travels as a header (SEP-2243, `x-mcp-header`). */
export interface ParameterHeader {
  readonly path: readonly string[];
  readonly name: string;
}

const KEY = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES = new Set<unknown>(['string', 'integer', 'boolean']);
/** Deeper than any schema of a tool. */
const DEEPEST = 50;

/**
 * The arguments of a tool that also travel as headers, by its input schema.
 * @returns one clause for a person instead where the schema declares them in a way that is not allowed: such a tool must
 * not be used
 */
export function parameterHeaders(inputSchema: unknown): readonly ParameterHeader[] | string {
  const found: ParameterHeader[] = [];
  const problem = collect(inputSchema, [], found);
  if (problem !== undefined) return problem;
  const names = found.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? found : `the header \`${twice}\` is declared twice`;
}

/** The headers for one call: arguments that are absent or null have none. */
export function headersOfCall(declared: readonly ParameterHeader[], given: unknown): Record<string, string> {
  return Object.fromEntries(
    declared.flatMap(({ path, name }) => {
      const text = asText(valueAt(given, path));
      return text === undefined ? [] : [[`mcp-param-${name}`, encodeHeader(text)]];
    }),
  );
}

function collect(schema: unknown, path: readonly string[], found: ParameterHeader[]): string | undefined {
  if (!isRecord(schema)) return undefined;
  if (path.length > DEEPEST) return 'its input schema is nested too deeply';
  if (Object.hasOwn(schema, KEY)) {
    const name = schema[KEY];
    if (path.length === 0 || typeof name !== 'string' || !TOKEN.test(name) || !TYPES.has(schema.type))
      return `\`${KEY}\` of \`${path.join('.')}\` is not allowed`;
    found.push({ path, name });
  }
  for (const [key, part] of Object.entries(schema)) {
    const problem =
      key === 'properties' && isRecord(part)
        ? firstProblem(Object.entries(part), ([name, child]) => collect(child, [...path, name], found))
        : misplaced(part, key, DEEPEST);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Headers may only be declared where nothing but `properties` leads. */
function misplaced(part: unknown, key: string, levels: number): string | undefined {
  if (typeof part !== 'object' || part === null || LITERAL.has(key)) return undefined;
  if (levels === 0) return 'its input schema is nested too deeply';
  if (!Array.isArray(part) && Object.hasOwn(part, KEY)) return `\`${KEY}\` is not allowed within \`${key}\``;
  return firstProblem(Object.entries(part), ([inner, child]) => misplaced(child, inner, levels - 1));
}

/** What is data in a schema, not a schema. */
const LITERAL = new Set(['const', 'enum', 'default', 'examples']);

function firstProblem<Item>(
  items: readonly Item[],
  check: (item: Item) => string | undefined,
): string | undefined {
  for (const item of items) {
    const problem = check(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isRecord(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  );
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  return typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value)
    ? String(value)
    : undefined;
}

/** The headers by which a gateway may route a message (SEP-2243). */
export function standardHeaders(message: JSONRPCMessage): Record<string, string> {
  const version = { 'mcp-protocol-version': REVISION_VERSION };
  if (!('method' in message)) return version;
  const { method, params } = message;
  const name = mcpNameOf(method, params);
  return {
    ...version,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': encodeHeader(name) }),
  };
}
