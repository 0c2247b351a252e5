import { ConfigurationError } from '../errors.js';

/** Where tasks live. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'memory' }
  | ServerLocation;

/** A store that is a server of its own. */
export interface ServerLocation {
  readonly kind: 'redis' | 'postgres';
  readonly url: string;
  /** For messages: the URL without credentials and options. */
  readonly label: string;
}

const FORMS = '`sqlite:PATH`, `memory:`, `redis://HOST`, `rediss://HOST` or `postgres://HOST/DATABASE`';

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
