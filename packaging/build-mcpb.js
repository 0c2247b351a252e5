// `node packaging/build-mcpb.js [FOLDER]`: builds mcp-await-VERSION.mcpb, the proxy as a bundle that desktop hosts install.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MCPB = '@anthropic-ai/mcpb@2.1.2';
/** The desktops that the manifest names; npm alone would install the driver of the building machine only. */
const DRIVERS = ['darwin-arm64', 'darwin-x64', 'win32-x64-msvc', 'linux-x64-gnu'];

const target = resolve(process.argv[2] ?? '.');
const readJson = path => JSON.parse(readFileSync(path, 'utf8'));
const { version } = readJson(join(ROOT, 'package.json'));
const folder = mkdtempSync(join(tmpdir(), 'mcp-await-mcpb-'));
const bundle = join(folder, 'bundle');
const npm = (...words) =>
  execFileSync('npm', words, {
    cwd: bundle,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });

try {
  mkdirSync(bundle);
  const [packed] = JSON.parse(npm('pack', ROOT, '--json', '--ignore-scripts', '--pack-destination', folder));
  writeFileSync(join(bundle, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const quiet = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--omit=dev',
    '--omit=peer',
    '--no-package-lock',
  ];
  npm('install', ...quiet, join(folder, packed.filename));
  const { optionalDependencies } = readJson(join(bundle, 'node_modules/libsql/package.json'));
  const drivers = DRIVERS.map(name => `@libsql/${name}@${optionalDependencies[`@libsql/${name}`]}`);
  npm('install', ...quiet, '--no-save', '--force', ...drivers);
  cpSync(join(ROOT, 'packaging/mcpb/manifest.json'), join(bundle, 'manifest.json'));
  const file = join(target, `mcp-await-${version}.mcpb`);
  npm('exec', '--yes', `--package=${MCPB}`, '--', 'mcpb', 'validate', 'manifest.json');
  npm('exec', '--yes', `--package=${MCPB}`, '--', 'mcpb', 'pack', '.', file);
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
