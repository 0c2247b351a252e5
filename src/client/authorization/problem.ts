import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { OAuthError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { z } from 'zod';
import { excerpt } from '../../protocols/excerpt.js';

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
  const client = await provider.clientInformation();
  const secrets = [tokens?.access_token, tokens?.refresh_token, tokens?.id_token, client?.client_secret];
  return secrets.filter(secret => secret !== undefined && secret !== '') as string[];
}
