// Packs what is published into a folder: `npm run pack:release -- FOLDER`, then `npm publish` of both files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DRIVER = join(ROOT, 'release/libsql');

/**
 * The manifest that is published. npm installs an optional dependency on every Node, unless that package's own `engines`
 * exclude it. Those of libsql exclude none, so a package that does stands between.
 */
function publishedManifest(manifest, driver) {
  const { scripts: _scripts, devDependencies: _development, overrides: _overrides, ...published } = manifest;
  if (driver.version !== manifest.version) throw new Error('release/libsql has another version.');
  if (driver.dependencies.libsql !== manifest.optionalDependencies.libsql)
    throw new Error('release/libsql takes another libsql.');
  return { ...published, optionalDependencies: { [driver.name]: driver.version } };
}

/** The name of the file that `npm pack` made. */
function pack(source, folder) {
  const output = execFileSync(
    'npm',
    ['pack', source, '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return JSON.parse(output)[0].filename;
}

const readManifest = folder => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const folder = resolve(process.argv[2] ?? '.');
const place = mkdtempSync(join(tmpdir(), 'mcp-await-release-'));
try {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', pack(ROOT, place)], { cwd: place });
  const manifest = publishedManifest(readManifest(ROOT), readManifest(DRIVER));
  writeFileSync(join(place, 'package/package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const source of [DRIVER, join(place, 'package')])
    process.stdout.write(`${join(folder, pack(source, folder))}\n`);
} finally {
  rmSync(place, { recursive: true });
}
