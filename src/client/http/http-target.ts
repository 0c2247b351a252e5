import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { ConnectionOptions } from '../connection-options.js';

/** A server that is reached over Streamable HTTP, or over HTTP+SSE of 2024-11-05 where it does not know that. */
export interface HttpEndpoint extends ConnectionOptions {
  /** A user and a password in it go as the header `Authorization: Basic …`. */
  readonly url: string | URL;
  /** What to try first. @default 'http', which is Streamable HTTP */
  readonly type?: 'http' | 'sse' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Has the tokens, and gets others when the server refuses them (OAuth 2.1). One provider is for one server and one user. */
  readonly authProvider?: OAuthClientProvider | undefined;
}
