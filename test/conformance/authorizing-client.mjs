// A program whose server wants authorization: the person whom the provider sends away says yes at once, and the program
// goes on where it was.
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { AuthorizationError, AwaitClient } from '../../dist/index.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const CALLBACK = 'http://localhost:3000/callback';
/** The address is the suite's: its authorization servers know it. */
const CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json';

class MemoryProvider {
  redirectUrl = CALLBACK;
  clientMetadataUrl = CLIENT_METADATA_URL;
  clientMetadata = { client_name: 'mcp-await', redirect_uris: [CALLBACK] };
  #client;
  #tokens;
  #verifier;
  #answer;

  constructor(client) {
    this.#client = client;
  }

  clientInformation() {
    return this.#client;
  }

  saveClientInformation(client) {
    this.#client = client;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  codeVerifier() {
    return this.#verifier;
  }

  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }

  async redirectToAuthorization(url) {
    const { headers } = await fetch(url, { redirect: 'manual' });
    this.#answer = new URL(headers.get('location'));
  }

  answer() {
    return this.#answer;
  }
}

/** A program that somebody else vouches for: its platform (SEP-1933), or the login of its enterprise (SEP-990). */
class VouchedProvider {
  redirectUrl = undefined;
  clientMetadata = { redirect_uris: [], grant_types: [JWT_BEARER] };
  #client;
  #assertionFor;
  #server;
  #tokens;

  constructor(client, assertionFor) {
    this.#client = client;
    this.#assertionFor = assertionFor;
  }

  clientInformation() {
    return this.#client;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  saveDiscoveryState(server) {
    this.#server = server;
  }

  async prepareTokenRequest() {
    const assertion = await this.#assertionFor(this.#server);
    return new URLSearchParams({ grant_type: JWT_BEARER, assertion });
  }
}

/** What the login of an enterprise gives for the token of somebody who has logged in there. */
async function exchanged({ idp_client_id, idp_id_token, idp_token_endpoint }, server) {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    audience: server.authorizationServerMetadata.issuer,
    resource: server.resourceMetadata.resource,
    subject_token: idp_id_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    client_id: idp_client_id,
  });
  const response = await fetch(idp_token_endpoint, { method: 'POST', body });
  return (await response.json()).access_token;
}

function providerFor(context) {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: privateKey } = context;
  if (clientId === undefined) return new MemoryProvider();
  const client = { client_id: clientId, client_secret: clientSecret };
  if (context.valid_jwt !== undefined) return new VouchedProvider(client, () => context.valid_jwt);
  if (context.idp_id_token !== undefined)
    return new VouchedProvider(client, server => exchanged(context, server));
  if (context.name === 'auth/client-credentials-basic')
    return new ClientCredentialsProvider({ clientId, clientSecret });
  if (context.name === 'auth/client-credentials-jwt') {
    const algorithm = context.signing_algorithm ?? 'ES256';
    return new PrivateKeyJwtProvider({ clientId, privateKey, algorithm });
  }
  return new MemoryProvider({ ...client, redirect_uris: [CALLBACK] });
}

export async function callAuthorized({ url, context }) {
  const authProvider = providerFor(context);
  const authorized = async action => {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof AuthorizationError) || error.finishAuth === undefined) throw error;
        await error.finishAuth(authProvider.answer());
      }
    }
  };
  const client = await authorized(() => AwaitClient.connect({ url, authProvider }));
  try {
    const { tools } = await authorized(() => client.listTools());
    for (const { name } of tools) await authorized(() => client.callTool({ name, arguments: {} }));
  } finally {
    await client.close();
  }
}
