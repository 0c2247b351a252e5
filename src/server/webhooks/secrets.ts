import { Webhook } from 'standardwebhooks';
import { ConfigurationError } from '../../errors.js';

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
