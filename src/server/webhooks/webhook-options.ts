import { Webhook } from 'standardwebhooks';
import { ConfigurationError } from '../../errors.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import { type DestinationPolicy, parseHostPattern } from './destination.js';

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

const FEWEST_BYTES = 24;
const MAX_BYTES = 64;

/**
 * The keys of secrets that are parted by white space, in the form of Standard Webhooks 1.0.0.
 * @throws ConfigurationError that tells which one is not usable, and never repeats it
 */
export function parseSecrets(text: string): readonly Webhook[] {
  return text
    .trim()
    .split(/\s+/)
    .map((secret, index) => {
      const problem = problemOf(secret);
      if (problem === undefined) return new Webhook(secret);
      throw new ConfigurationError(
        `Webhook secret ${index + 1} ${problem}. Expected \`whsec_\` and the Base64 of ${FEWEST_BYTES} to ${MAX_BYTES} random bytes; \`echo whsec_$(openssl rand -base64 32)\` makes one.`,
      );
    });
}

function problemOf(secret: string): string | undefined {
  if (!secret.startsWith('whsec_')) return 'does not begin with `whsec_`';
  const encoded = secret.slice('whsec_'.length);
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return 'is no Base64';
  const bytes = Buffer.from(encoded, 'base64').length;
  if (bytes < FEWEST_BYTES) return `has ${bytes} bytes, which is too short`;
  return bytes > MAX_BYTES ? `has ${bytes} bytes, which is too long` : undefined;
}
