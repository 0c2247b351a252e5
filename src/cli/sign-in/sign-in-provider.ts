import { randomBytes } from 'node:crypto';
import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { checkServers, withoutSlash } from '../../client/authorization/redirect-answer.js';
import {
  type Attendance,
  PersonNeededError,
  type SignInProvider,
} from '../../client/authorization/sign-in.js';
import type { OauthEntry } from '../../client/connect/mcp-config-entry.js';
import { displayUrl } from '../../client/http/url-parts.js';
import { AuthorizationError } from '../../errors.js';
import { errorFacts } from '../error-report.js';
import type { CommandIo } from '../io.js';
import type { RedirectListener } from './redirect-listener.js';
import { type SavedSignIn, SignInFile } from './saved-sign-in.js';

/** Where the browser comes back to when nothing else was said: any free port (RFC 8252, section 7.3). */
const ANY_PORT = new URL('http://127.0.0.1:0/callback');

/** Who this program is at an authorization server that registers no programs by itself. */
export interface GivenClient extends Omit<OauthEntry, 'redirectUrl'> {
  /** Where the browser comes back to, on this machine. @default any free port */
  readonly redirectUrl?: URL | undefined;
}

export interface SignInOptions {
  readonly io: CommandIo;
  readonly given: GivenClient;
  /** Whether somebody can sign in now, at a server of which this is known. */
  readonly isAttended: (server: OAuthDiscoveryState | undefined) => boolean;
  /** Whether to open a browser where there is one. */
  readonly opensBrowser: boolean;
  /** The command line that signs in, without secrets. */
  readonly loginCommand: string;
  /** Ends what waits for somebody. */
  readonly signal: AbortSignal;
  /** Takes away what else is drawn on the terminal, until its answer is disposed. */
  readonly pause: () => Disposable;
}

/** A sign-in that is under way, and not written down yet. */
interface Pending {
  readonly listener: RedirectListener;
  client: OAuthClientInformationMixed | undefined;
  verifier: string;
  answer: Promise<URL> | undefined;
}

/** What the SDK asks for while it signs in, on the file of this user and server. */
export class SavedSignInProvider implements SignInProvider {
  readonly file: SignInFile;
  readonly #url: URL;
  readonly #options: SignInOptions;
  #pending: Pending | undefined;
  #discovered: OAuthDiscoveryState | undefined;
  /** Tokens that could not be written down: the disk may be full. */
  #unsaved: SavedSignIn['tokens'];
  #hasEnded = false;
  /** How far the last attempt came: what the server says of its authorization, then who this program is there. */
  #reached: 'discovery' | 'registration' | 'client' = 'discovery';

  constructor(url: URL, options: SignInOptions) {
    this.#url = url;
    this.#options = options;
    this.file = new SignInFile(url, options.io.env);
  }

  get wantedScope(): string | undefined {
    return this.#options.given.scope;
  }

  get redirectUrl(): URL {
    return this.#pending?.listener.url ?? this.#options.given.redirectUrl ?? ANY_PORT;
  }

  get clientMetadata(): OAuthClientMetadata {
    const methods = this.#discovered?.authorizationServerMetadata?.token_endpoint_auth_methods_supported;
    const isPublic = methods === undefined || methods.includes('none');
    return {
      client_name: 'mcp-await',
      redirect_uris: [this.redirectUrl.href],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(isPublic && { token_endpoint_auth_method: 'none' }),
    };
  }

  async exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const { underProcessLock } = await import('../../storage/process-lock.js');
    const { io, signal } = this.#options;
    this.#reached = 'discovery';
    const onWait = () => {
      using _paused = this.#options.pause();
      io.stderr.write(`Another process is signing in to ${displayUrl(this.#url)}; this one waits for it.\n`);
    };
    return underProcessLock(this.file.lockPath, work, { signal, onWait });
  }

  async attend(server: OAuthDiscoveryState | undefined): Promise<Attendance> {
    const { given, isAttended, pause } = this.#options;
    if (!isAttended(server)) throw new AuthorizationError(this.#whatToDo(server));
    const { listenForRedirect } = await import('./redirect-listener.js');
    const paused = pause();
    const listener = await listenForRedirect(given.redirectUrl ?? ANY_PORT).catch(error => {
      paused[Symbol.dispose]();
      throw error;
    });
    // A registration is for one redirect URL, and the server may have forgotten it: each sign-in makes its own.
    const pending: Pending = { listener, client: undefined, verifier: '', answer: undefined };
    this.#pending = pending;
    this.#discovered = server;
    return {
      answer: () => pending.answer ?? Promise.reject(new Error('nobody was sent')),
      tell: isSignedIn => listener.tell(isSignedIn),
      [Symbol.asyncDispose]: async () => {
        this.#pending = undefined;
        paused[Symbol.dispose]();
        await listener[Symbol.asyncDispose]();
      },
    };
  }

  explain(why: string): string {
    const where = displayUrl(this.#url);
    const { loginCommand } = this.#options;
    const next = {
      discovery: 'What the server says of its authorization cannot be used: tell whoever runs it.',
      // Without metadata, it was asked at the addresses of the first revision, which most servers do not have.
      registration:
        this.#discovered?.authorizationServerMetadata === undefined
          ? "It tells of no authorization server: where it takes a token that you have, give that with --header 'Authorization: Bearer …'."
          : `Where its authorization server registers no programs, register one there by hand and run \`${loginCommand} --client-id ID\`.`,
      client: `Try again with \`${loginCommand}\`.`,
    };
    return `Signing in to ${where} failed: ${why}. ${next[this.#reached]}`;
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    const client = this.#knownClient();
    this.#reached = client === undefined ? 'registration' : 'client';
    return client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    if (this.#pending !== undefined) this.#pending.client = client;
    else this.#change(saved => ({ ...saved, client: { ...saved.client, ...client } }));
  }

  tokens(): OAuthTokens | undefined {
    const { client, tokens } = this.file.read() ?? {};
    const given = this.#given();
    // Those of another client are not for this one.
    if (given !== undefined && client?.client_id !== given.client_id) return undefined;
    return (this.#unsaved ?? tokens) as OAuthTokens | undefined;
  }

  saveTokens(tokens: OAuthTokens): void {
    const client = this.#pending?.client ?? this.#given();
    const isGiven = this.#given() !== undefined;
    const revocationUrl = this.#revocationUrl();
    this.#hasEnded = false;
    const isSaved = this.#change(saved => ({
      client: client === undefined ? saved.client : { ...client, ...(isGiven && { isGiven }) },
      tokens,
      revocationUrl,
    }));
    this.#unsaved = isSaved ? undefined : tokens;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    this.#unsaved = undefined;
    this.#hasEnded = true;
    // What is kept stays until there is something better.
    if (this.#pending !== undefined) {
      if (scope === 'all' || scope === 'client') this.#pending.client = undefined;
    } else if (scope === 'tokens') this.#change(({ client }) => ({ client }));
    else if (scope === 'all' || scope === 'client') this.#change(() => ({}));
  }

  state(): string {
    this.#reached = 'client';
    const state = randomBytes(32).toString('base64url');
    this.#pending?.listener.expect(state);
    return state;
  }

  codeVerifier(): string {
    return this.#pending?.verifier ?? '';
  }

  saveCodeVerifier(verifier: string): void {
    if (this.#pending !== undefined) this.#pending.verifier = verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#pending === undefined ? undefined : this.#discovered;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    checkServers(this.#url, state);
    this.#discovered = state;
    // Whoever moves to another authorization server is nobody there yet.
    const issuer = this.file.read()?.client?.issuer;
    const isElsewhere =
      typeof issuer === 'string' && withoutSlash(issuer) !== withoutSlash(state.authorizationServerUrl);
    if (isElsewhere && this.#pending === undefined && this.#given() === undefined)
      throw new PersonNeededError();
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) throw new PersonNeededError();
    const { hasBrowser, sendPerson } = await import('./person.js');
    const { io, opensBrowser, signal } = this.#options;
    pending.answer = sendPerson({
      where: displayUrl(this.#url),
      url,
      listener: pending.listener,
      opensBrowser: opensBrowser && hasBrowser(io),
      io,
      signal,
    });
    // Whoever waits for it hears of it.
    pending.answer.catch(() => {});
  }

  #whatToDo(server: OAuthDiscoveryState | undefined): string {
    const where = displayUrl(this.#url);
    const { loginCommand } = this.#options;
    if (this.#hasEnded)
      return `Your sign-in to ${where} has ended: run \`${loginCommand}\` at a terminal, then do this again.`;
    if (server?.resourceMetadata !== undefined || server?.authorizationServerMetadata !== undefined)
      return `The server at ${where} wants you to sign in: run \`${loginCommand}\` at a terminal, then do this again.`;
    return `The server at ${where} wants authorization (HTTP 401) and names no authorization server; give it a header such as \`Authorization: Bearer …\` (--header), or try \`${loginCommand}\` at a terminal.`;
  }

  #knownClient(): OAuthClientInformationMixed | undefined {
    const given = this.#given();
    const kept = this.file.read()?.client;
    if (given !== undefined) return kept?.client_id === given.client_id ? { ...kept, ...given } : given;
    if (this.#pending !== undefined)
      return this.#pending.client ?? (kept?.isGiven === true ? kept : undefined);
    if (kept === undefined) throw new PersonNeededError();
    return kept;
  }

  #given(): SavedSignIn['client'] {
    const { clientId, clientSecret } = this.#options.given;
    if (clientId === undefined) return undefined;
    return { client_id: clientId, ...(clientSecret !== undefined && { client_secret: clientSecret }) };
  }

  #revocationUrl(): string | undefined {
    const metadata: Readonly<Record<string, unknown>> = this.#discovered?.authorizationServerMetadata ?? {};
    const { revocation_endpoint: url } = metadata;
    return typeof url === 'string' ? url : undefined;
  }

  /** A sign-in that cannot be written down is good for this process all the same. */
  #change(change: (saved: Partial<SavedSignIn>) => Partial<SavedSignIn>): boolean {
    try {
      this.file.write(change(this.file.read() ?? {}));
      return true;
    } catch (error) {
      using _paused = this.#options.pause();
      this.#options.io.stderr.write(`${errorFacts(error).message} It ends with this process.\n`);
      return false;
    }
  }
}
