import { ConfigurationError } from './errors.js';

/** Packages that whoever uses a part of this one installs beside it (optional peer dependencies). */
interface PeerPackages {
  /** The part, as messages call it: a noun at the start of a sentence. */
  readonly part: string;
  /** As `npm install` takes them. */
  readonly packages: readonly string[];
}

/**
 * What a module exports that stands on such packages.
 * @throws ConfigurationError that says what to install when one is missing
 */
export async function loadPeer<Module>(
  module: Promise<Module>,
  { part, packages }: PeerPackages,
): Promise<Module> {
  return module.catch(cause => {
    if (!isMissing(cause, packages)) throw cause;
    throw new ConfigurationError(
      `${part} needs packages that are not installed. Run \`npm install ${packages.join(' ')}\`.`,
      { cause },
    );
  });
}

/** Node names the package in quotes, alone or with the path in it that was asked for. */
function isMissing(cause: unknown, packages: readonly string[]): boolean {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  const names = packages.map(withoutVersion);
  return names.some(name => [`'${name}'`, `'${name}/`].some(named => String(message).includes(named)));
}

/** `@scope/name@1.2` as `@scope/name`. */
function withoutVersion(name: string): string {
  const at = name.indexOf('@', 1);
  return at < 0 ? name : name.slice(0, at);
}
