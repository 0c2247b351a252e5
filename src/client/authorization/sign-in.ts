import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';

/** Of connect's options: who signs in where the target does not say. */
export const SIGN_IN = Symbol('sign in');

/** A provider that signs a person in while the refused request waits, and whose tokens other processes use, too. */
export interface SignInProvider extends OAuthClientProvider {
  /** The scope to ask for, whatever the server names. */
  readonly wantedScope?: string | undefined;
  /** Runs `work` while no other process renews the tokens or signs somebody in. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Gets ready to send a person to authorize. Until then the provider throws `PersonNeededError` instead.
   * @throws AuthorizationError when nobody is there
   */
  attend(server: OAuthDiscoveryState | undefined): Promise<Attendance>;
  /** The whole message of a refused sign-in. */
  explain(why: string): string;
}

/** A person who is signing in. */
export interface Attendance extends AsyncDisposable {
  /** The URL that the person came back to. */
  answer(): Promise<URL>;
  /** Tells the person whether it was of use. */
  tell(isSignedIn: boolean): void;
}

/** There is no token without a person. */
export class PersonNeededError extends Error {
  override readonly name = 'PersonNeededError';

  constructor() {
    super('a person has to sign in');
  }
}

export function isSignInProvider(provider: OAuthClientProvider): provider is SignInProvider {
  return 'attend' in provider;
}
