import type { Webhook } from 'standardwebhooks';
import { ConfigurationError } from '../../errors.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import { type DestinationPolicy, parseHostPattern } from './destination.js';
import { parseSecrets } from './secrets.js';

export interface WebhookOptions {
  /**
   * What messages are signed with: `whsec_` and the Base64 of 24 to 64 bytes. Several, parted by spaces, all sign, so
   * that receivers can move from one to the next. @default the environment variable MCP_AWAIT_WEBHOOK_SECRET
   */
  readonly secret?: string | undefined;
  /** Hosts that may be told: `['hooks.example.com', '*.example.org', 'ci.example.net:8443']`. @default any public host */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Lets messages go to loopback, private and other addresses that are not on the public internet. @default false */
  readonly allowPrivate?: boolean | undefined;
  /** Lets messages go over plain HTTP. @default false */
  readonly allowHttp?: boolean | undefined;
}

const optionNames: OptionNames<WebhookOptions> = {
  secret: true,
  allowedHosts: true,
  allowPrivate: true,
  allowHttp: true,
};

export interface WebhookSettings {
  readonly keys: readonly Webhook[];
  readonly policy: DestinationPolicy;
}

/**
 * Webhooks are on where a secret is set.
 * @throws ConfigurationError when an option is not usable; the message never repeats a secret
 */
export function readWebhookOptions(
  options: WebhookOptions | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): WebhookSettings | undefined {
  refuseUnknownOptions('`webhooks`', options, optionNames);
  const secret = options?.secret ?? environment.MCP_AWAIT_WEBHOOK_SECRET;
  if (secret === undefined || secret.trim() === '') {
    if (options === undefined) return undefined;
    throw new ConfigurationError(
      'Webhooks need a secret: set `secret`, --webhook-secret-file or MCP_AWAIT_WEBHOOK_SECRET. `echo whsec_$(openssl rand -base64 32)` makes one.',
    );
  }
  return {
    keys: parseSecrets(secret),
    policy: {
      allowedHosts: options?.allowedHosts?.map(parseHostPattern),
      allowPrivate: options?.allowPrivate ?? false,
      allowHttp: options?.allowHttp ?? false,
    },
  };
}
