import type { WaitOptions } from '../client/options.js';
import type { Settings } from '../server/config/config-schema.js';
import type { WaitFlags } from './flags.js';

/** The flags and settings as options of the library. */
export function waitOptionsOf({ timeout }: WaitFlags, { polling }: Settings): WaitOptions {
  return { ...polling, deadlineMs: timeout };
}
