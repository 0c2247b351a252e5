import { decodedPart } from '../client/http/url-parts.js';
import { isRecord } from '../protocols/tool-result.js';

/** What a schema lets a value be, as far as it tells. */
export interface ArgumentType {
  /** Words of JSON Schema's `type`; undefined where any will do. */
  readonly types: ReadonlySet<string> | undefined;
  /** The only values; undefined where there are others. */
  readonly values: readonly unknown[] | undefined;
}

const ANY: ArgumentType = { types: undefined, values: undefined };
/** References within references; more than any schema has. */
const MAX_DEPTH = 32;

/** What the argument `name` of a tool may be, by the tool's input schema. */
export function schemaType(inputSchema: unknown, name: string): ArgumentType {
  return ofProperty(inputSchema, name, inputSchema, 0) ?? ANY;
}

/** Also of properties that `allOf`, `anyOf` or a reference bring. */
function ofProperty(schema: unknown, name: string, root: unknown, depth: number): ArgumentType | undefined {
  if (!isRecord(schema) || depth > MAX_DEPTH) return undefined;
  const { properties } = schema;
  if (isRecord(properties) && Object.hasOwn(properties, name)) return typeOf(properties[name], root, depth);
  const parts = [referred(schema, root), ...partsOf(schema)];
  const found = parts.map(part => ofProperty(part, name, root, depth + 1)).filter(each => each !== undefined);
  return found.length === 0 ? undefined : union(found);
}

function typeOf(schema: unknown, root: unknown, depth = 0): ArgumentType {
  if (!isRecord(schema) || depth > MAX_DEPTH) return ANY;
  const { type, nullable } = schema;
  const words = [type].flat().filter(word => typeof word === 'string');
  const own = {
    types: words.length === 0 ? undefined : new Set([...words, ...(nullable === true ? ['null'] : [])]),
    values: Object.hasOwn(schema, 'const') ? [schema.const] : listIn(schema.enum),
  };
  const every = [referred(schema, root), ...(listIn(schema.allOf) ?? [])].map(part =>
    typeOf(part, root, depth + 1),
  );
  const choices = [schema.anyOf, schema.oneOf].flatMap(list => {
    const branches = listIn(list)?.map(part => typeOf(part, root, depth + 1)) ?? [];
    return branches.length === 0 ? [] : [union(branches)];
  });
  return [own, ...every, ...choices].reduce(narrowed, ANY);
}

/** Both hold. */
function narrowed(one: ArgumentType, other: ArgumentType): ArgumentType {
  const common = one.types && other.types && [...one.types].filter(word => other.types?.has(word));
  return {
    types: common === undefined ? (one.types ?? other.types) : new Set(common),
    values: one.values ?? other.values,
  };
}

/** One of them holds. */
function union(all: readonly ArgumentType[]): ArgumentType {
  const types = all.map(typesOf);
  const values = all.map(({ values }) => values);
  return {
    types: types.some(each => each === undefined)
      ? undefined
      : new Set(types.flatMap(each => [...(each ?? [])])),
    values: values.some(each => each === undefined) ? undefined : values.flatMap(each => each ?? []),
  };
}

/** The types, also those of the only values. */
function typesOf({ types, values }: ArgumentType): ReadonlySet<string> | undefined {
  return types ?? (values && new Set(values.map(wordOf)));
}

function wordOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function partsOf({ allOf, anyOf, oneOf }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return [allOf, anyOf, oneOf].flatMap(list => listIn(list) ?? []);
}

function listIn(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** What a reference within the same schema leads to. */
function referred({ $ref }: Readonly<Record<string, unknown>>, root: unknown): unknown {
  if (typeof $ref !== 'string' || !$ref.startsWith('#')) return undefined;
  const keys = $ref.slice(1).split('/').slice(1);
  return keys.reduce<unknown>((inner, key) => {
    const name = unescaped(key);
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
      ? inner[name as never]
      : undefined;
  }, root);
}

/** RFC 6901, and the percent-encoding of a URL. */
function unescaped(key: string): string {
  return decodedPart(key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const KNOWN_WORDS = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']);

/** How a value of the command line is read: as the text that it is, as JSON, or as text where it is no JSON. */
export type Reading = 'text' | 'json' | 'json-or-text';

/** How the value `text` of an argument is read. */
export function readingOf({ types, values }: ArgumentType, text: string): Reading {
  if (values !== undefined) {
    if (values.includes(text)) return 'text';
    const words = values.filter(value => typeof value === 'string').length;
    if (words === values.length) return 'text';
    return words === 0 ? 'json' : 'json-or-text';
  }
  if (types === undefined || types.has('string')) return 'text';
  return [...types].every(word => KNOWN_WORDS.has(word)) ? 'json' : 'json-or-text';
}

/** What an argument is to be, for a message. */
export function wantedText({ types, values }: ArgumentType): string {
  if (values !== undefined) return `one of ${values.map(value => JSON.stringify(value)).join(', ')}`;
  return types === undefined ? 'any value' : `of the type ${[...types].join(' or ')}`;
}
