import {
  auth,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { AuthorizationError } from '../../errors.js';
import { NotConnectedError } from '../connection/contact.js';
import { displayUrl } from '../http/url-parts.js';
import { type Challenge, challengeIn, scopeFor } from './challenge.js';
import { limitedFetch, type NoAnswerError } from './limited-fetch.js';
import { problemText, providerView, secretsOf } from './provider-view.js';
import { checkAnswer, checkIssuer, codeIn, type Redirect, RedirectAnswerError } from './redirect-answer.js';
import { isSignInProvider, PersonNeededError, type SignInProvider } from './sign-in.js';

/** A response as far as authorization looks at it. */
interface Answer {
  readonly status: number;
  readonly headers: unknown;
  readonly body: { cancel(): Promise<void> } | null;
}

/** How an attempt at a token went. */
type Attempt =
  | { readonly kind: 'authorized' }
  | { readonly kind: 'redirected' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'person-needed'; readonly server: OAuthDiscoveryState | undefined }
  | { readonly kind: 'unattended'; readonly message: string }
  | { readonly kind: 'unreachable'; readonly why: string };

interface AttemptOptions {
  /** Whether to leave the tokens as they are, and ask for others. */
  readonly hidesTokens?: boolean | undefined;
  /** Of the answer to a redirect. */
  readonly code?: string | undefined;
  /** What is known of the authorization server, where a person is to be redirected. */
  readonly server?: OAuthDiscoveryState | undefined;
}

interface SentRedirect extends Redirect {
  readonly challenge: Challenge;
  readonly at: number;
  /** What the answer came to. */
  finished: Promise<Attempt> | undefined;
}
/** Most tokens requested for one request: a new one, one with more scope, and one to spare. */
const MAX_TOKENS = 3;
/** Requests that are refused within this time do not redirect the person again. */
const REDIRECT_LASTS_MS = 60_000;

/**
 * The authorization of one provider at one server. A token that is refused is renewed once, however many requests meet the
 * refusal: authorization servers take a refresh token once only. (The SDK's transport renews it for each of them.)
 */
export class Authorization {
  readonly #provider: OAuthClientProvider;
  readonly #url: URL;
  #underWay: Promise<Attempt> | undefined;
  #endedAt: number | undefined;
  /** The last token issued, and the challenge that it answered. */
  #issued: { readonly token: string | undefined; readonly challenge: Challenge; isGood: boolean } | undefined;
  #redirect: SentRedirect | undefined;

  constructor(provider: OAuthClientProvider, url: URL) {
    this.#provider = provider;
    this.#url = url;
  }

  /** Whether a token is being asked for, which may take longer than an answer. */
  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** When a token was last being asked for, on the clock of `performance.now()`. */
  get lastUnderWayAt(): number | undefined {
    return this.isUnderWay ? performance.now() : this.#endedAt;
  }

  /** Signs a person in before the server has asked for it. @throws AuthorizationError when that fails */
  async signIn(): Promise<void> {
    const challenge = { status: 401, text: '', scope: undefined, resourceMetadataUrl: undefined } as const;
    this.#settle(await this.#start(() => this.#attemptInTurn(challenge)));
  }

  /**
   * The response to a request, sent again with another token where the first is refused.
   * @param isLast whether this is the last request of the connection: then no token is asked for
   * @throws AuthorizationError when there is no token that the server takes, NotConnectedError when the authorization
   * server cannot be reached
   */
  async send<Response extends Answer>(
    request: (token: string | undefined) => Promise<Response>,
    isLast: boolean,
  ): Promise<Response> {
    for (let tokens = 0; ; tokens++) {
      const token = await this.#token();
      const response = await request(token);
      if (response.status !== 401 && token === this.#issued?.token && this.#issued)
        this.#issued.isGood = true;
      const challenge = challengeIn(response);
      if (challenge === undefined || isLast) return response;
      await response.body?.cancel();
      if (tokens === MAX_TOKENS || this.#isHopeless(challenge, token)) throw this.#useless(challenge);
      await this.#renew(challenge, token);
    }
  }

  async #renew(challenge: Challenge, refused: string | undefined): Promise<void> {
    if (this.#underWay === undefined && (await this.#token()) !== refused) return;
    const sent = this.#redirect;
    if (sent !== undefined && performance.now() - sent.at < REDIRECT_LASTS_MS) throw this.#sentAway();
    this.#settle(await this.#start(() => this.#attemptInTurn(challenge, { refused })));
  }

  /** The attempt that is under way, or this one. */
  #start(attempt: () => Promise<Attempt>): Promise<Attempt> {
    this.#underWay ??= attempt().finally(() => {
      this.#underWay = undefined;
      this.#endedAt = performance.now();
    });
    return this.#underWay;
  }

  /** @throws AuthorizationError or NotConnectedError where there is no token */
  #settle(attempt: Attempt): void {
    // Each caller gets its own error object, because its task is added to it later.
    switch (attempt.kind) {
      case 'authorized':
        return;
      case 'redirected':
        throw this.#sentAway();
      case 'refused':
        throw this.#refused(attempt.why);
      case 'unattended':
        throw new AuthorizationError(attempt.message);
      case 'person-needed':
        throw this.#refused('a person is needed');
      case 'unreachable':
        throw new NotConnectedError(
          `no token for ${displayUrl(this.#url)} could be had at present: ${attempt.why}`,
        );
    }
  }

  /** An attempt of one process at a time; where a person is needed and there is one, with that person. */
  #attemptInTurn(challenge: Challenge, known?: { readonly refused: string | undefined }): Promise<Attempt> {
    const provider = this.#provider;
    if (!isSignInProvider(provider)) return this.#attempt(challenge);
    return provider.exclusively(async () => {
      // Another process may have renewed them.
      if (known !== undefined && (await this.#token()) !== known.refused) return { kind: 'authorized' };
      const first = await this.#attempt(challenge, { hidesTokens: known === undefined });
      return first.kind === 'person-needed' ? this.#attend(provider, challenge, first.server) : first;
    });
  }

  async #attend(
    provider: SignInProvider,
    challenge: Challenge,
    server: OAuthDiscoveryState | undefined,
  ): Promise<Attempt> {
    try {
      await using attendance = await provider.attend(server);
      const asked = await this.#attempt(challenge, { hidesTokens: true, server });
      const redirect = this.#redirect;
      if (asked.kind !== 'redirected' || redirect === undefined) return asked;
      const answer = await attendance.answer();
      checkAnswer(answer, redirect);
      const ended = await this.#attempt(challenge, { hidesTokens: true, code: codeIn(answer) });
      attendance.tell(ended.kind === 'authorized');
      return ended;
    } catch (error) {
      if (error instanceof AuthorizationError) return { kind: 'unattended', message: error.message };
      if (error instanceof RedirectAnswerError) return { kind: 'refused', why: problemText(error, []) };
      throw error;
    } finally {
      this.#redirect = undefined;
    }
  }

  async #attempt(
    challenge: Challenge,
    { hidesTokens = challenge.status === 403, code, server: told }: AttemptOptions = {},
  ): Promise<Attempt> {
    let trouble: NoAnswerError | undefined;
    const stopInTrouble = () => {
      if (trouble !== undefined) throw trouble;
    };
    let server: OAuthDiscoveryState | undefined;
    const secrets = await secretsOf(this.#provider);
    const view = providerView(this.#provider, {
      // A refreshed token may do what the old one may, and no more.
      hidesTokens,
      onDiscovered: state => {
        stopInTrouble();
        checkIssuer(state);
        server = state;
      },
      onRedirect: url => {
        stopInTrouble();
        this.#redirect = { url, server, challenge, at: performance.now(), finished: undefined };
      },
    });
    const before = [(await this.#provider.tokens())?.scope, this.#issued?.challenge.scope];
    const wanted = isSignInProvider(this.#provider) ? this.#provider.wantedScope : undefined;
    try {
      const result = await auth(view, {
        serverUrl: this.#url,
        fetchFn: limitedFetch(each => {
          trouble ??= each;
        }),
        ...optional('scope', scopeFor(challenge, { wanted, before, server: told })),
        ...optional('resourceMetadataUrl', challenge.resourceMetadataUrl),
        ...optional('authorizationCode', code),
      });
      if (result === 'REDIRECT') return { kind: 'redirected' };
      this.#redirect = undefined;
      this.#issued = { token: await this.#token(), challenge, isGood: false };
      return { kind: 'authorized' };
    } catch (error) {
      if (trouble !== undefined) return { kind: 'unreachable', why: trouble.message };
      if (error instanceof PersonNeededError) return { kind: 'person-needed', server };
      return { kind: 'refused', why: problemText(error, code === undefined ? secrets : [...secrets, code]) };
    }
  }

  /** Finishes the authorization of a redirect, once: many calls may hold its error. */
  async #finish(answer: string | URL, redirect: SentRedirect): Promise<void> {
    try {
      if (answer instanceof URL) checkAnswer(answer, redirect);
      // The redirect is answered, so the next refused request may redirect again.
      if (this.#redirect === redirect) this.#redirect = undefined;
      redirect.finished ??= this.#exchange(answer instanceof URL ? codeIn(answer) : answer, redirect);
    } catch (error) {
      throw this.#refused(problemText(error, []));
    }
    const attempt = await redirect.finished;
    if (attempt.kind === 'refused' || attempt.kind === 'unreachable') throw this.#refused(attempt.why);
  }

  #exchange(code: string, { challenge }: SentRedirect): Promise<Attempt> {
    // Requests that are refused from now on wait for this attempt.
    this.#underWay = undefined;
    return this.#start(() => this.#attempt(challenge, { code }));
  }

  /** Whether the token was issued for this same challenge: then another one would be refused, too. */
  #isHopeless({ status, text }: Challenge, token: string | undefined): boolean {
    const issued = this.#issued;
    if (issued === undefined || token === undefined || issued.token !== token) return false;
    return status === 401
      ? !issued.isGood
      : issued.challenge.status === 403 && issued.challenge.text === text;
  }

  async #token(): Promise<string | undefined> {
    return (await this.#provider.tokens())?.access_token;
  }

  #sentAway(): AuthorizationError {
    const redirect = this.#redirect;
    return new AuthorizationError(
      `The server at ${displayUrl(this.#url)} wants authorization, and the provider has been asked to send somebody to give it: call this error's \`finishAuth\` with the URL (or the code in it) that comes back, then go on.`,
      { finishAuth: redirect && (answer => this.#finish(answer, redirect)) },
    );
  }

  #refused(why: string): AuthorizationError {
    const provider = this.#provider;
    if (isSignInProvider(provider)) return new AuthorizationError(provider.explain(why));
    return new AuthorizationError(
      `The server at ${displayUrl(this.#url)} wants authorization, and it was refused (${why}): check the provider and its registration, then try again.`,
    );
  }

  #useless({ status, scope }: Challenge): AuthorizationError {
    const wants = scope === undefined ? '' : `, which wants \`${scope}\``;
    return new AuthorizationError(
      `The server at ${displayUrl(this.#url)} refuses also the token that it has asked for (HTTP ${status}${wants}): check scopes and audience at the authorization server.`,
    );
  }
}

const known = new WeakMap<OAuthClientProvider, Map<string, Authorization>>();

/** The one authorization of a provider at a server, shared by all connections: the provider owns the tokens. */
export function authorizationOf(provider: OAuthClientProvider, url: URL): Authorization {
  const ofProvider = known.get(provider) ?? new Map<string, Authorization>();
  known.set(provider, ofProvider);
  const authorization = ofProvider.get(url.href) ?? new Authorization(provider, url);
  ofProvider.set(url.href, authorization);
  return authorization;
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}
