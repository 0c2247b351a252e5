import { ConfigurationError } from '../errors.js';

/** Where tasks live. */
export type StoreLocation = { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'memory' };

const FORMS = '`sqlite:PATH` or `memory:`';

/**
 * Reads a store URL. `sqlite:tasks.db` is relative to the working folder; `sqlite:/var/tasks.db` and
 * `sqlite:///var/tasks.db` are absolute.
 * @throws ConfigurationError when it is none of the known forms; the message holds no password of the URL
 */
export function parseStoreUrl(url: string): StoreLocation {
  const match = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(url);
  const scheme = match?.[1]?.toLowerCase();
  const rest = match?.[2] ?? '';
  switch (scheme) {
    case 'sqlite':
      return sqliteLocation(url, rest);
    case 'memory':
      if (rest !== '')
        throw new ConfigurationError(`Expected \`memory:\` with nothing after it, got \`${url}\`.`);
      return { kind: 'memory' };
    case 'redis':
    case 'rediss':
    case 'postgres':
    case 'postgresql':
      throw new ConfigurationError(
        `A store at \`${scheme}:\` is not supported by this version. Expected ${FORMS}.`,
      );
    case undefined:
      throw new ConfigurationError(
        `Expected a store as ${FORMS}, got \`${url}\`. For a file: \`sqlite:${url}\`.`,
      );
    default:
      throw new ConfigurationError(`There is no store for \`${scheme}:\`. Expected ${FORMS}.`);
  }
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
