import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from './source-files.js';

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const packages = Object.entries(lock.packages)
  .filter(([path, { link }]) => path.startsWith('node_modules/') && link !== true)
  .map(([path, facts]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), ...facts }));
const production = packages.filter(({ dev }) => dev !== true);

/** Each lets the package be used in a product whose source is closed. */
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'Unlicense'];

/**
 * Packages that run a script when they are installed, and why they are here. All are for development, most come
 * with others, and all work without their script: `npm ci --ignore-scripts` is enough for every test.
 */
const INSTALL_SCRIPTS: Readonly<Record<string, string>> = {
  'msgpackr-extract':
    'an optional speed-up of msgpackr, which bullmq uses; looks for its built binary. Who adds bullmq has it, too.',
  msw: 'copies a worker for browsers where a project has asked for it; here none has',
  'node-llama-cpp':
    'an optional peer of a development package, for models on this machine; nothing here loads it',
  'tree-sitter-go': 'an optional parser of a development package; nothing here loads it',
  'tree-sitter-javascript': 'an optional parser of a development package; nothing here loads it',
  'tree-sitter-python': 'an optional parser of a development package; nothing here loads it',
  'tree-sitter-rust': 'an optional parser of a development package; nothing here loads it',
  'tree-sitter-typescript': 'an optional parser of a development package; nothing here loads it',
};

test('every package that is installed with this one has a licence that is allowed', () => {
  expect(production.length).toBeGreaterThan(50);
  const others = production.filter(({ license = 'none' }) => !LICENCES.includes(license));
  expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([]);
});

test('nothing that is installed with this one runs a script when it is installed', () => {
  expect(production.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)).toEqual([]);
});

test('every package that runs a script when it is installed is listed with its reason', () => {
  const running = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
  expect([...new Set(running)].sort()).toEqual(Object.keys(INSTALL_SCRIPTS).sort());
});
