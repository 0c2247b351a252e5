import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));

/** Fails a run during which something built again: what other tests start from `dist` is missing for seconds then. */
export function setup(): () => void {
  const built = (): unknown => statSync(DIST, { throwIfNoEntry: false })?.ino;
  const before = built();
  return () => {
    if (built() === before) return;
    process.stderr.write('Something built `dist` again while the tests ran.\n');
    process.exitCode = 1;
  };
}
