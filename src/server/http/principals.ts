import { createHash, timingSafeEqual } from 'node:crypto';
import { ConfigurationError } from '../../errors.js';

/** Who calls when the server knows no tokens. */
export const LOCAL_PRINCIPAL = 'local';

/** Whether all callers of a server are one principal, although they may be several. */
export function isOpenToAll(tokens: readonly string[] = [], authorization?: unknown): boolean {
  return tokens.length === 0 && authorization === undefined;
}

const MIN_TOKEN = 16;

/** A token that the server accepts, as its SHA-256 digest. */
export interface KnownToken {
  readonly principal: string;
  readonly digest: Buffer;
}

/** The entries of a token file: one per line, without empty lines and `#` comments. */
export function parseTokenFile(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'));
}

/**
 * Reads tokens written as `name=token` or bare. A bare token's principal is made from its digest, so that it is the
 * same after a restart.
 *
 * @throws ConfigurationError for a token that is too short, cannot be sent, or is there twice. Never repeats a token.
 */
export function parseTokens(entries: readonly string[]): readonly KnownToken[] {
  const known: KnownToken[] = [];
  for (const [index, entry] of entries.entries()) {
    const { name, token } = splitEntry(entry);
    const problem = problemOf(token);
    if (problem !== undefined) throw new ConfigurationError(`Token ${index + 1} ${problem}`);
    const digest = digestOf(token);
    const twin = known.findIndex(other => other.digest.equals(digest));
    if (twin !== -1) throw new ConfigurationError(`Token ${index + 1} is the same as token ${twin + 1}`);
    known.push({ principal: name ?? `token-${digest.toString('hex').slice(0, 32)}`, digest });
  }
  return known;
}

/** The principal of an `Authorization` header; undefined when its token is not known. Takes as long for every token. */
export function authenticate(header: string | undefined, known: readonly KnownToken[]): string | undefined {
  if (known.length === 0) return LOCAL_PRINCIPAL;
  const digest = digestOf(/^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? '');
  let principal: string | undefined;
  for (const token of known) {
    if (timingSafeEqual(token.digest, digest)) principal = token.principal;
  }
  return principal;
}

/** An equals sign parts name and token, unless it is the padding of a bare Base64 token. */
function splitEntry(entry: string): { readonly name?: string | undefined; readonly token: string } {
  const named = /^([\w.@-]+)=(?!=*$)(.*)$/.exec(entry);
  return named === null ? { token: entry } : { name: named[1], token: named[2] ?? '' };
}

function problemOf(token: string): string | undefined {
  if (token.length < MIN_TOKEN) {
    return `is too short: expected at least ${MIN_TOKEN} characters, got ${token.length}`;
  }
  return /^[\x21-\x7e]+$/.test(token)
    ? undefined
    : 'cannot be sent in a header: expected printable ASCII without spaces';
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
