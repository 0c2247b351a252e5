import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';

export interface VersionRefusal {
  readonly code?: number | undefined;
  readonly message: string;
  readonly data?: unknown;
}

/** Of revision 2026-07-28 (spec 2026-07-28). */
const UNSUPPORTED_VERSION = -32022;
const SPEAKS_OF_VERSIONS = /protocol.{0,3}version|version.{0,40}support|support.{0,40}version/is;
const VERSION = /\b20\d\d-\d\d-\d\d\b/g;
const MAX_CHARACTERS = 5000;

/**
 * The versions of MCP with which a refused `initialize` may be sent again, the best first: those that the refusal names, or
 * every older one where it names none. None where it is not about versions.
 */
export function versionsAfter(
  { code, message, data }: VersionRefusal,
  tried: readonly string[],
): readonly string[] {
  const said = `${message} ${data === undefined ? '' : JSON.stringify(data)}`.slice(0, MAX_CHARACTERS);
  if (code !== UNSUPPORTED_VERSION && !SPEAKS_OF_VERSIONS.test(said)) return [];
  const left = SUPPORTED_PROTOCOL_VERSIONS.filter(version => !tried.includes(version));
  const named = new Set(said.match(VERSION));
  const offered = left.filter(version => named.has(version));
  return offered.length > 0 ? offered : [...named].every(version => tried.includes(version)) ? left : [];
}
