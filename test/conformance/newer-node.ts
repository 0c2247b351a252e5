import { join } from 'node:path';
import { fetchedPackages, isNewEnough, OLDEST_NODE } from './fetched-packages.mjs';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';

/** The first release with this major, where `node:sqlite` still warns that it is experimental. */
export const OLDEST_OWN_SQLITE = '24.0.2';

/** Why the suite, and whatever else needs a newer Node, cannot run here; undefined where it can. */
export const unavailable =
  isNewEnough || (process.platform === 'linux' && process.arch === 'x64')
    ? undefined
    : `this needs Node ${OLDEST_NODE}, which the npm registry has for Linux on x64 only`;

/** The command that runs the suite. */
export function conformanceCommand(): Promise<readonly [node: string, script: string]> {
  return fetchedCommand(SUITE, ['@modelcontextprotocol', 'conformance', 'dist', 'index.js']);
}

/** A command of a package, fetched from the npm registry at first need with the Node that it needs. */
export async function fetchedCommand(
  name: string,
  script: readonly string[],
): Promise<readonly [node: string, script: string]> {
  const { node, folder } = await fetchedPackages([name]);
  return [node, join(folder, 'node_modules', ...script)];
}
