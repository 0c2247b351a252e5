import { createHash } from 'node:crypto';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ConfigurationError } from '../../errors.js';
import { isLoopback } from './guards.js';
import { checkDestination, findKeys } from './issuer-keys.js';
import type { HttpRefusal } from './responses.js';
import { MCP_PATH } from './watch-endpoints.js';

/** Whose access tokens a server takes (OAuth 2.1, as MCP has it). */
export interface AuthorizationOptions {
  /** The authorization server, as its tokens name it in `iss`: an https URL, or http on this machine. */
  readonly issuer: string;
  /** Whom a token must be for, as it says in `aud`: a token for another server is refused. */
  readonly audience: string;
  /** Scopes that every token must have. @default [] */
  readonly scopes?: readonly string[] | undefined;
  /** URL of the MCP endpoint as clients know it. @default the audience where it is a URL, else where the server listens */
  readonly publicUrl?: string | undefined;
  /** Whether the authorization server may have an address that is not public. @default false */
  readonly allowPrivate?: boolean | undefined;
}

/** Where the metadata of a protected resource are (RFC 9728, section 3). */
const METADATA_PATH = '/.well-known/oauth-protected-resource';
/** Signatures with a key pair only: whoever checks a token must not be able to make one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** How soon the issuer is asked again that could not be asked. */
const KEYS_AGAIN_AFTER_MS = 5000;
/** How far the clocks may be apart. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Checks access tokens that are JWTs (RFC 9068), and tells clients where to get them. */
export class AccessTokens {
  readonly #options: AuthorizationOptions;
  readonly #scopes: readonly string[];
  readonly #listeningUrl: () => string;
  readonly #onError: (error: unknown) => void;
  #keys: JWTVerifyGetKey | undefined;
  #finding: Promise<JWTVerifyGetKey> | undefined;
  #failed: { readonly at: number; readonly error: unknown } | undefined;

  /** @throws ConfigurationError when an option would let somebody in who must not be */
  constructor(options: AuthorizationOptions, listeningUrl: () => string, onError: (error: unknown) => void) {
    checkOptions(options);
    this.#options = options;
    this.#scopes = options.scopes ?? [];
    this.#listeningUrl = listeningUrl;
    this.#onError = onError;
  }

  /** The metadata that a request for this path wants; undefined where it is about something else. */
  metadataAt(path: string | undefined): object | undefined {
    const { pathname } = new URL(this.#resource);
    const paths = ['', MCP_PATH, pathname].map(each => `${METADATA_PATH}${each}`);
    if (path === undefined || !paths.includes(path)) return undefined;
    return {
      resource: this.#resource,
      authorization_servers: [this.#options.issuer],
      ...(this.#scopes.length > 0 && { scopes_supported: this.#scopes }),
      bearer_methods_supported: ['header'],
    };
  }

  /** The principal of an `Authorization` header, or why there is none. */
  async check(header: string | undefined): Promise<string | HttpRefusal> {
    if (header === undefined) return this.#refusal(401, undefined, 'Expected an access token: sign in first');
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(header)?.[1];
    if (token === undefined)
      return this.#refusal(401, 'invalid_token', 'Expected a bearer token that is a signed JWT');
    try {
      const { issuer, audience } = this.#options;
      const { payload } = await jwtVerify(token, await this.#keysOfIssuer(), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      return this.#principalOf(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        return this.#refusal(401, 'invalid_token', 'The token has expired');
      if (error instanceof errors.JWTClaimValidationFailed)
        return this.#refusal(401, 'invalid_token', `The token is not for this server (${error.claim})`);
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && !isOfKeys(error))
        return this.#refusal(401, 'invalid_token', 'The token is not valid');
      this.#onError(error);
      const message = 'The token cannot be checked at present: try again later';
      return { status: 503, code: -32000, message, headers: { 'retry-after': '5' } };
    }
  }

  #principalOf(payload: JWTPayload & { readonly scp?: unknown }): string | HttpRefusal {
    // Whoever sends such a token must prove that it is theirs (RFC 9449, RFC 8705), which nobody checks here.
    if (payload.cnf !== undefined)
      return this.#refusal(
        401,
        'invalid_token',
        'The token is bound to a key, which this server does not check',
      );
    const { scope, scp, sub } = payload;
    const granted = [scope, scp].flat().flatMap(each => (typeof each === 'string' ? each.split(' ') : []));
    const missing = this.#scopes.filter(each => !granted.includes(each));
    if (missing.length > 0)
      return this.#refusal(403, 'insufficient_scope', `The token lacks the scope ${missing.join(' ')}`);
    const identity = JSON.stringify([this.#options.issuer, sub]);
    return `subject-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
  }

  get #resource(): string {
    const { publicUrl, audience } = this.#options;
    return publicUrl ?? (/^https?:\/\//i.test(audience) ? audience : this.#listeningUrl());
  }

  #refusal(status: 401 | 403, error: string | undefined, message: string): HttpRefusal {
    const { origin, pathname } = new URL(this.#resource);
    const facts = {
      ...(error !== undefined && { error, error_description: message }),
      ...(this.#scopes.length > 0 && { scope: this.#scopes.join(' ') }),
      resource_metadata: `${origin}${METADATA_PATH}${pathname === '/' ? '' : pathname}`,
    };
    const challenge = Object.entries(facts).map(([name, value]) => `${name}="${value}"`);
    const headers = { 'www-authenticate': `Bearer ${challenge.join(', ')}` };
    return { status, code: status === 401 ? -32001 : -32003, message, headers };
  }

  /** @throws why they cannot be had; for a while the same, so that no caller makes this server ask in a loop */
  async #keysOfIssuer(): Promise<JWTVerifyGetKey> {
    if (this.#keys !== undefined) return this.#keys;
    const failed = this.#failed;
    if (failed !== undefined && performance.now() - failed.at < KEYS_AGAIN_AFTER_MS) throw failed.error;
    this.#finding ??= findKeys(this.#options).finally(() => {
      this.#finding = undefined;
    });
    try {
      this.#keys = await this.#finding;
      return this.#keys;
    } catch (error) {
      this.#failed = { at: performance.now(), error };
      throw error;
    }
  }
}

function isOfKeys(error: InstanceType<typeof errors.JOSEError>): boolean {
  return error.code === 'ERR_JOSE_GENERIC' || error instanceof errors.JWKSInvalid;
}

function checkOptions({
  issuer,
  audience,
  scopes = [],
  publicUrl,
  allowPrivate = false,
}: AuthorizationOptions): void {
  const refuse = (why: string): never => {
    throw new ConfigurationError(why);
  };
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isPlain = url?.protocol === 'http:' && isLoopback(url.hostname);
  if (url === undefined || !(url.protocol === 'https:' || isPlain) || url.search !== '' || url.hash !== '')
    refuse(
      'Expected the issuer (--auth-issuer) to be an https URL, or an http URL on this machine, without a query',
    );
  if (typeof audience !== 'string' || audience.trim() === '')
    refuse(
      'An issuer needs an audience (--auth-audience): without one, a token for any other server would be let in',
    );
  if (publicUrl !== undefined && !(URL.canParse(publicUrl) && /^https?:$/.test(new URL(publicUrl).protocol)))
    refuse(
      'Expected the public URL (--public-url) to be the http(s) URL of the MCP endpoint, as clients know it',
    );
  for (const scope of scopes)
    if (!SCOPE.test(scope)) refuse('Expected each scope (--auth-scope) to be one word of printable ASCII');
  if (url !== undefined) checkDestination(url, { issuer: url, allowPrivate });
}
