import { ConfigurationError } from '../errors.js';

/** Where tasks live. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'memory' }
  | ServerLocation
  | DynamodbLocation;

/** A store that is a server of its own. */
export interface ServerLocation {
  readonly kind: 'redis' | 'postgres';
  readonly url: string;
  /** For messages: the URL without credentials and options. */
  readonly label: string;
}

/** A DynamoDB table and an SQS queue. Credentials come from where the AWS SDK looks for them. */
export interface DynamodbLocation {
  readonly kind: 'dynamodb';
  readonly table: string;
  /** The URL or the name of the queue. */
  readonly queue: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly sqsEndpoint: string | undefined;
  readonly label: string;
}

const FORMS =
  '`sqlite:PATH`, `memory:`, `redis://HOST`, `rediss://HOST`, `postgres://HOST/DATABASE` or `dynamodb://TABLE?queue=QUEUE`';
const DYNAMODB_OPTIONS = ['queue', 'region', 'endpoint', 'sqsEndpoint'];

/**
 * Reads a store URL. `sqlite:tasks.db` is relative to the working folder; `sqlite:/var/tasks.db` and
 * `sqlite:///var/tasks.db` are absolute.
 * @throws ConfigurationError when it is none of the known forms; the message holds no password of the URL
 */
export function parseStoreUrl(url: string): StoreLocation {
  const match = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(url);
  const scheme = match?.[1]?.toLowerCase();
  const rest = match?.[2] ?? '';
  const shown = url.replace(/^.*@/s, '***@');
  switch (scheme) {
    case 'sqlite':
      return sqliteLocation(url, rest);
    case 'memory':
      if (rest !== '')
        throw new ConfigurationError(`Expected \`memory:\` with nothing after it, got \`${url}\`.`);
      return { kind: 'memory' };
    case 'redis':
    case 'rediss':
      return serverLocation('redis', url, scheme);
    case 'postgres':
    case 'postgresql':
      return serverLocation('postgres', url, scheme);
    case 'dynamodb':
      return dynamodbLocation(rest);
    case undefined:
      throw new ConfigurationError(
        `Expected a store as ${FORMS}, got \`${shown}\`. For a file: \`sqlite:${shown}\`.`,
      );
    default:
      throw new ConfigurationError(`There is no store for \`${scheme}:\`. Expected ${FORMS}.`);
  }
}

function serverLocation(kind: ServerLocation['kind'], url: string, scheme: string): ServerLocation {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  // What cannot be read may hold a password in any place.
  if (parsed === undefined || parsed.host === '') {
    throw new ConfigurationError(
      `The store URL that begins with \`${scheme}:\` cannot be read. Expected ${FORMS}.`,
    );
  }
  const { pathname, search, hash } = parsed;
  if (/@/.test(pathname + search + hash)) {
    throw new ConfigurationError(
      `The store URL that begins with \`${scheme}:\` has a \`@\` behind its host. In a user name or a password, write \`/\`, \`?\`, \`#\` and \`@\` as %2F, %3F, %23 and %40.`,
    );
  }
  // ioredis takes a scheme in capitals for one without TLS.
  return {
    kind,
    url: url.replace(/^\w+/, scheme),
    label: `${parsed.protocol}//${parsed.host}${parsed.pathname}`,
  };
}

function dynamodbLocation(rest: string): DynamodbLocation {
  const [, table = '', query = ''] = /^\/\/([A-Za-z0-9_.-]{3,255})\/?(?:\?(.*))?$/s.exec(rest) ?? [];
  const options = new URLSearchParams(query);
  const problem = dynamodbProblem(table, options);
  if (problem !== undefined) {
    throw new ConfigurationError(
      `The store URL that begins with \`dynamodb:\` ${problem} Expected \`dynamodb://TABLE?queue=QUEUE-URL-OR-NAME\`, and \`region\`, \`endpoint\` and \`sqsEndpoint\` where they are needed.`,
    );
  }
  const option = (name: string) => options.get(name) ?? undefined;
  return {
    kind: 'dynamodb',
    table,
    queue: option('queue') ?? '',
    region: option('region'),
    endpoint: option('endpoint'),
    sqsEndpoint: option('sqsEndpoint'),
    label: `dynamodb://${table}`,
  };
}

/** What is wrong with a store URL, as the end of a sentence. */
function dynamodbProblem(table: string, options: URLSearchParams): string | undefined {
  if (table === '') return 'names no table: 3 to 255 letters, digits, `_`, `-` or `.`.';
  const unknown = [...options.keys()].find(name => !DYNAMODB_OPTIONS.includes(name));
  if (unknown !== undefined) return `has the option \`${unknown}\`, which there is not.`;
  const isUrl = (text: string) => /^https?:\/\/[^@]+$/.test(text) && URL.canParse(text);
  const queue = options.get('queue') ?? '';
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(queue) && !isUrl(queue)) return 'names no queue: its URL or its name.';
  const wrong = ['endpoint', 'sqsEndpoint'].find(name => !isUrl(options.get(name) ?? 'http://none'));
  return wrong === undefined ? undefined : `has no URL as \`${wrong}\`.`;
}

function sqliteLocation(url: string, rest: string): StoreLocation {
  if (rest === ':memory:') return { kind: 'memory' };
  if (rest === '') throw new ConfigurationError(`The store \`${url}\` names no file. Expected ${FORMS}.`);
  if (!rest.startsWith('//')) return { kind: 'sqlite', path: rest };
  const path = rest.slice(2);
  if (path.startsWith('/')) return { kind: 'sqlite', path };
  throw new ConfigurationError(
    `The store \`${url}\` names a host. Write \`sqlite:${path}\` or \`sqlite:/${path}\`.`,
  );
}
