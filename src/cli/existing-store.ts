import { resolve } from 'node:path';
import type { Engine } from '../engine/engine.js';
import { openEngine } from '../engine/open-engine.js';
import { parseStoreUrl } from '../engine/store-url.js';
import type { Settings } from '../server/config/config-schema.js';
import { defaultStoreUrl, isMissing } from '../storage/state-folder.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

/**
 * Opens a store to look at what it holds.
 * @throws UsageError when it is a file that is not there, which a look must not make
 */
export async function openExistingStore({ state }: Pick<Settings, 'state'>, io: CommandIo): Promise<Engine> {
  const { provider, leaseSeconds, keyPrefix } = state;
  if (provider !== undefined) {
    const location = parseStoreUrl(provider);
    if (location.kind === 'sqlite' && isMissing(resolve(io.cwd(), location.path)))
      throw new UsageError(
        `There is no store ${resolve(io.cwd(), location.path)}: check the path of --store.`,
      );
  }
  return openEngine(provider ?? defaultStoreUrl(io.env), { leaseMs: leaseSeconds * 1000, keyPrefix });
}
