import { ConfigurationError } from '../errors.js';

export const DEFAULT_LEASE_MS = 30_000;
export const DEFAULT_MAX_RESULT_BYTES = 1024 * 1024;
export const DEFAULT_RETENTION_MS = 7 * 86_400_000;
export const DEFAULT_INPUT_TIMEOUT_MS = 86_400_000;
export const DEFAULT_KEY_PREFIX = 'mcp_task:';
/** What `keyPrefix` may be; colons alone would name nothing. */
export const KEY_PREFIX = /^(?=.*[^:])[A-Za-z0-9_:-]{1,48}$/;

/** @throws ConfigurationError when it is not usable */
export function checkedKeyPrefix(keyPrefix = DEFAULT_KEY_PREFIX): string {
  if (KEY_PREFIX.test(keyPrefix)) return keyPrefix;
  throw new ConfigurationError(
    `Expected \`keyPrefix\` to be 1 to 48 letters, digits, \`_\`, \`-\` or \`:\`, got ${JSON.stringify(keyPrefix)}.`,
  );
}
