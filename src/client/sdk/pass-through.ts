import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ConfigurationError } from '../../errors.js';
import type { TolerantRequests } from './tolerant-requests.js';

/** Members of the SDK's `Client` that an agent framework uses and that `AwaitClient` hands on unchanged. */
const PASSED = [
  'assertCanSetRequestHandler',
  'getInstructions',
  'getServerCapabilities',
  'getServerVersion',
  'notification',
  'registerCapabilities',
  'removeNotificationHandler',
  'removeRequestHandler',
  'sendRootsListChanged',
  'setNotificationHandler',
  'setRequestHandler',
] as const satisfies readonly (keyof Client)[];

type Passed = Pick<Client, (typeof PASSED)[number] | 'transport' | 'onclose' | 'onerror'> &
  Pick<Client, Exclude<keyof TolerantRequests, 'listTools'>>;

/** A base class whose instances behave like `client` in the passed members, its requests made by `requests`. */
export const PassThrough = class {
  /** The wrapped client of @modelcontextprotocol/sdk. */
  readonly sdkClient: Client;

  constructor(client: Client, { listTools: _own, ...requests }: TolerantRequests) {
    if ('getProtocolEra' in client) {
      throw new ConfigurationError(
        'Expected a client of @modelcontextprotocol/sdk (version 1), got one of version 2, which cannot start tasks by its public interface; give `AwaitClient.connect` the URL or the command of the server instead.',
      );
    }
    this.sdkClient = client;
    for (const name of PASSED) Object.defineProperty(this, name, { value: client[name].bind(client) });
    for (const [name, value] of Object.entries(requests)) Object.defineProperty(this, name, { value });
    for (const name of ['transport', 'onclose', 'onerror'] as const) {
      Object.defineProperty(this, name, {
        get: () => client[name],
        set: value => Object.assign(client, { [name]: value }),
      });
    }
  }
} as unknown as new (
  client: Client,
  requests: TolerantRequests,
) => Passed & { readonly sdkClient: Client };
