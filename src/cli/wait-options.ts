import type { WaitOptions } from '../client/options.js';
import type { Settings } from '../server/config/config-schema.js';

/** The settings of waiting as options of the library. */
export function waitOptionsOf({ polling }: Pick<Settings, 'polling'>): WaitOptions {
  const options = Object.entries(polling).map(([name, value]) => [
    name,
    value === 'off' ? Number.POSITIVE_INFINITY : value,
  ]);
  return Object.fromEntries(options);
}
