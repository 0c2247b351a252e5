// Calls a tool of a server that wants authorization (OAuth). The person who runs it is sent to the browser once. After that
// the tokens are refreshed without a person.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { AuthorizationError, AwaitClient } from 'mcp-await';

const callback = createServer().listen(Number(process.env.CALLBACK_PORT ?? 8765), '127.0.0.1');
await once(callback, 'listening');
const { port } = callback.address();
const redirectUrl = `http://127.0.0.1:${port}/callback`;

/** The request with which the browser comes back. */
let back;
const kept = {}; // in production: a keychain, or an encrypted table
const authProvider = {
  redirectUrl,
  clientMetadata: { client_name: 'My agent', redirect_uris: [redirectUrl] },
  clientInformation: () => kept.client,
  saveClientInformation: client => void Object.assign(kept, { client }),
  tokens: () => kept.tokens,
  saveTokens: tokens => void Object.assign(kept, { tokens }),
  codeVerifier: () => kept.verifier ?? '',
  saveCodeVerifier: verifier => void Object.assign(kept, { verifier }),
  state: () => Object.assign(kept, { state: crypto.randomUUID() }).state,
  redirectToAuthorization(url) {
    back = once(callback, 'request');
    console.log(`Open ${url}`);
  },
};

/** Runs the action, and runs it again after the person has authorized. */
async function authorized(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof AuthorizationError) || error.finishAuth === undefined || !back) throw error;
    const [request, response] = await back;
    response.end('You may close this page.');
    await error.finishAuth(new URL(request.url ?? '', redirectUrl)); // checks `state` and `iss`, and gets the tokens
    return authorized(action);
  }
}

const url = process.env.MCP_URL ?? 'http://127.0.0.1:3000/mcp';
const client = await authorized(() => AwaitClient.connect({ url, authProvider }));
const result = await authorized(() => client.callTool({ name: 'sleep', arguments: { seconds: 1 } }));
console.log(result.structuredContent);
await client.close();
callback.close();
