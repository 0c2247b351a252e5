import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import { OAuthError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { OAuthClientInformationMixed } from '@modelcontextprotocol/sdk/shared/auth.js';
import { z } from 'zod';
import { excerpt } from '../../protocols/excerpt.js';
import { PersonNeededError } from './sign-in.js';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export interface ProviderViewOptions {
  /** Whether to hide the present tokens, so that they are not refreshed. */
  readonly hidesTokens: boolean;
  /** Called with the metadata of the authorization server before anything is sent to it; throws to stop. */
  readonly onDiscovered: (state: OAuthDiscoveryState) => void;
  /** Called before a person is redirected to authorize; throws to prevent that. */
  readonly onRedirect: (url: URL) => void;
}

/** A provider as one authorization sees it: what the SDK decides on its way is seen, and may be stopped. */
export function providerView(
  provider: OAuthClientProvider,
  { hidesTokens, onDiscovered, onRedirect }: ProviderViewOptions,
): OAuthClientProvider {
  let isHidden = hidesTokens;
  const seen: Partial<OAuthClientProvider> = {
    get clientMetadata() {
      return { ...applicationType(provider.redirectUrl), ...provider.clientMetadata };
    },
    tokens: () => (isHidden ? undefined : provider.tokens()),
    // The method is optional in a provider, yet refused tokens must not be tried again.
    invalidateCredentials: async scope => {
      isHidden = true;
      await provider.invalidateCredentials?.(scope);
    },
    discoveryState: async () => {
      const state = await provider.discoveryState?.();
      if (state !== undefined) onDiscovered(state);
      return state;
    },
    saveDiscoveryState: async state => {
      onDiscovered(state);
      await provider.saveDiscoveryState?.(state);
    },
    redirectToAuthorization: async url => {
      onRedirect(url);
      await provider.redirectToAuthorization(url);
    },
  };
  return new Proxy(provider, {
    get(target, key) {
      const own: unknown = Reflect.get(seen, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key, target);
      // A class may have private members.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What a client says of itself when it registers (SEP-837): without it, servers take it for a web site and refuse loopback. */
function applicationType(redirectUrl: string | URL | undefined): { application_type?: 'native' | 'web' } {
  if (redirectUrl === undefined) return {};
  const { protocol, hostname } = new URL(redirectUrl);
  const isSite = /^https?:$/.test(protocol) && !LOOPBACK.test(hostname);
  return { application_type: isSite ? 'web' : 'native' };
}

/** Why an authorization failed, without what is secret in it: the SDK quotes answers, and servers what they were sent. */
export function problemText(error: unknown, secrets: readonly string[]): string {
  if (error instanceof SyntaxError || error instanceof z.core.$ZodError)
    return 'the authorization server’s answer cannot be read';
  if (error instanceof ServerError) return 'the authorization server’s answer is no OAuth answer';
  const text = error instanceof Error ? error.message : String(error);
  const said = error instanceof OAuthError ? [error.errorCode, text].filter(Boolean).join(': ') : text;
  return excerpt(secrets.reduce((left, secret) => left.replaceAll(secret, '…'), said));
}

/** The secrets that no message may contain. */
export async function secretsOf(provider: OAuthClientProvider): Promise<string[]> {
  const tokens = await provider.tokens();
  const client = await clientOf(provider);
  const secrets = [tokens?.access_token, tokens?.refresh_token, tokens?.id_token, client?.client_secret];
  return secrets.filter(secret => secret !== undefined && secret !== '') as string[];
}

/** A client that is not registered yet has no secret. */
async function clientOf(provider: OAuthClientProvider): Promise<OAuthClientInformationMixed | undefined> {
  try {
    return await provider.clientInformation();
  } catch (error) {
    if (error instanceof PersonNeededError) return undefined;
    throw error;
  }
}
