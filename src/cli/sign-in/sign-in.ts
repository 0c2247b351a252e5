import { oauthOfServer } from '../../client/connect/mcp-config.js';
import type { HttpTarget } from '../../client/connect/transport.js';
import { displayUrl } from '../../client/http/url-parts.js';
import { AwaitAbortedError } from '../../errors.js';
import { OnDispose } from '../../time/on-dispose.js';
import { canAsk } from '../ask/terminal-asker.js';
import { UsageError } from '../exit-code.js';
import type { ServerFlags } from '../flags.js';
import type { CommandIo } from '../io.js';
import { quote } from '../shell-quote.js';
import type { GivenClient, SavedSignInProvider, SignInOptions } from './sign-in-provider.js';

/** Which server is signed in to, as a command line says it. */
export interface NamedServer {
  /** In an `mcpServers` file. */
  readonly name: string | undefined;
  readonly config: string | undefined;
}

export interface SignInChoice extends NamedServer, Pick<SignInOptions, 'io' | 'isAttended' | 'opensBrowser'> {
  /** @default what the `mcpServers` file says of the server */
  readonly given?: GivenClient;
  readonly pause?: SignInOptions['pause'];
}

/** The sign-ins that a command uses, one for each server. What waits for somebody ends when it is disposed. */
export interface SignIns extends Disposable {
  providerOf(server: HttpTarget): Promise<SavedSignInProvider>;
}

const NO_PAUSE = () => new OnDispose(() => {});

export function openSignIns({ io, name, config, given, pause = NO_PAUSE, ...choice }: SignInChoice): SignIns {
  const providers = new Map<string, Promise<SavedSignInProvider>>();
  const over = new AbortController();
  const open = async (url: URL) => {
    const { SavedSignInProvider } = await import('./sign-in-provider.js');
    return new SavedSignInProvider(url, {
      ...choice,
      io,
      given: given ?? clientOfFile({ name, config }, io),
      loginCommand: loginCommand({ name, config }, url),
      signal: over.signal,
      pause,
    });
  };
  return {
    providerOf({ url: where }) {
      const url = new URL(where);
      const provider = providers.get(url.href) ?? open(url);
      providers.set(url.href, provider);
      return provider;
    },
    [Symbol.dispose]: () =>
      over.abort(new AwaitAbortedError('The sign-in was interrupted: nobody is signed in by it.')),
  };
}

/** Whether a command signs somebody in by itself: at a terminal, unless it is told otherwise. */
export function signsIn({ signIn, json }: ServerFlags & { readonly json?: boolean }, io: CommandIo): boolean {
  return signIn ?? (canAsk(io) && json !== true);
}

/** @throws ConfigurationError or UsageError when the entry makes no sense */
export function clientOfFile({ name, config }: NamedServer, io: CommandIo): GivenClient {
  if (name === undefined) return {};
  const source = { configFile: config, directory: io.cwd(), environment: io.env };
  const { redirectUrl, ...client } = oauthOfServer(name, source);
  return { ...client, redirectUrl: redirectUrl === undefined ? undefined : parseRedirectUrl(redirectUrl) };
}

/** @throws UsageError when a browser that comes back to it would not come to this machine */
export function parseRedirectUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOurs =
    url?.protocol === 'http:' &&
    ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) &&
    url.hash === '';
  if (url !== undefined && isOurs && url.search === '') return url;
  throw new UsageError(
    `The redirect URL ${quote(text)} is none on this machine: write it as http://127.0.0.1:8976/callback (127.0.0.1, localhost or [::1], without a query), as it is registered at the authorization server.`,
  );
}

function loginCommand({ name, config }: NamedServer, url: URL): string {
  if (name === undefined)
    return `mcp-await login ${quote(`${displayUrl(url)}${url.search === '' ? '' : '?…'}`)}`;
  return `mcp-await login ${quote(name)}${config === undefined ? '' : ` --config ${quote(config)}`}`;
}
