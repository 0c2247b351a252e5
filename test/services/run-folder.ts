import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for what the files of a run share, which every account may read; its path is in `RUN_FOLDER`. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-run-'));
  await chmod(folder, 0o777);
  process.env.RUN_FOLDER = folder;
  return () => rm(folder, { recursive: true, force: true });
}
