// Calls a tool of a server that wants authorization (OAuth). Whoever runs it is sent to the browser once; the tokens are
// refreshed by themselves from then on.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { AuthorizationError, AwaitClient } from 'mcp-await';

const callback = createServer().listen(Number(process.env.CALLBACK_PORT ?? 8765), '127.0.0.1');
await once(callback, 'listening');
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;

let back; // the person, in the browser
const kept = {}; // in production where your secrets are: a keychain, an encrypted table
const authProvider = {
  redirectUrl,
  clientMetadata: { client_name: 'My agent', redirect_uris: [redirectUrl] },
  clientInformation: () => kept.client,
  saveClientInformation: client => Object.assign(kept, { client }),
  tokens: () => kept.tokens,
  saveTokens: tokens => Object.assign(kept, { tokens }),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: verifier => Object.assign(kept, { verifier }),
  state: () => Object.assign(kept, { state: crypto.randomUUID() }).state,
  redirectToAuthorization(url) {
    back = once(callback, 'request');
    console.log(`Open ${url}`);
  },
};

/** Does it, and again once somebody has authorized. */
async function authorized(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof AuthorizationError) || error.finishAuth === undefined) throw error;
    const [request, response] = await back;
    response.end('You may close this page.');
    await error.finishAuth(new URL(request.url, redirectUrl)); // checks `state` and `iss`, and gets the tokens
    return authorized(action);
  }
}

const client = await authorized(() => AwaitClient.connect({ url: process.env.MCP_URL, authProvider }));
const result = await authorized(() => client.callTool({ name: 'sleep', arguments: { seconds: 1 } }));
console.log(result.structuredContent);
await client.close();
callback.close();
