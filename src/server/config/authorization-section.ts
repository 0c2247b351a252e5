import { text, texts, trueOrFalse } from './kinds.js';
import { optionalSetting, setting } from './setting.js';

/** Whose access tokens a server takes over HTTP. */
export const authorizationSection = {
  issuer: optionalSetting(text, {
    description: 'Authorization server whose access tokens (JWT) are accepted, as named in their `iss`.',
    flag: '--auth-issuer',
    otherwise: 'no such tokens',
  }),
  audience: optionalSetting(text, {
    description: 'Audience that these tokens must have in `aud`. Required with an issuer.',
    flag: '--auth-audience',
    otherwise: 'none',
  }),
  scopes: setting(texts, [], {
    description: 'Scopes that each of these tokens must have.',
    flag: '--auth-scope',
  }),
  allowPrivate: setting(trueOrFalse, false, {
    description: 'Whether the authorization server may have a private address.',
    flag: '--auth-allow-private',
  }),
  publicUrl: optionalSetting(text, {
    description:
      'URL of the MCP endpoint as clients know it, for the metadata that name the authorization server.',
    flag: '--public-url',
    otherwise: 'the audience if it is a URL, else the address of the server',
  }),
} as const;
