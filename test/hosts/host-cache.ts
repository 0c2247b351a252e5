import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Packages of npm in a folder of `HOSTS_CACHE`, which stays from run to run. */
export interface CachedPackages {
  readonly folder: string;
  /** Why they are not there and must not be fetched; undefined otherwise. */
  readonly unavailable: string | undefined;
  /** Fetches them, unless they are there. */
  install(): void;
}

/** @param packages with their versions, as `npm install` takes them */
export function cachedPackages(folderName: string, packages: readonly string[]): CachedPackages {
  const cache = process.env.HOSTS_CACHE ?? join(homedir(), '.cache', 'mcp-await-hosts');
  const folder = join(cache, folderName);
  const isThere = () => existsSync(join(folder, 'node_modules'));
  return {
    folder,
    unavailable:
      isThere() || process.env.TEST_HOSTS === '1'
        ? undefined
        : `${packages.join(', ')}: not in HOSTS_CACHE; \`npm run test:hosts\` installs it`,
    install() {
      if (isThere()) return;
      const place = `${folder}-${process.pid}`;
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'package.json'), '{"private":true}\n');
      const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--no-engine-strict', '--save-exact'];
      const { status, stderr } = spawnSync('npm', ['install', ...flags, ...packages], {
        cwd: place,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`Could not install ${packages.join(', ')}: ${stderr}`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(place, folder);
    },
  };
}
