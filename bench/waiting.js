// The same tasks on the same server, awaited in five ways at the same time.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolder, withHttpServer } from './bundled-server.js';
import { ms, percentile, printTable } from './measure.js';
import { contenders } from './waiting/contenders.js';
import { countingProxy } from './waiting/counting-proxy.js';

const SECONDS = [0.3, 3, 15, 45];
const TASKS = 20;
const CHILD = fileURLToPath(new URL('waiting/child.js', import.meta.url));
const OPERATIONS = fileURLToPath(new URL('waiting/operations.js', import.meta.url));
const run = promisify(execFile);

/** Around `seconds`, so that no way to wait has luck with a round number. */
const spread = seconds =>
  Array.from({ length: TASKS }, (_, index) => (seconds * (0.8 + (0.4 * (index + 0.5)) / TASKS)).toFixed(3));

export async function waiting() {
  await withFolder(folder =>
    withHttpServer(
      folder,
      async url => {
        for (const seconds of SECONDS) await race(url, seconds);
      },
      ['--operations', OPERATIONS, '--concurrency', '500'],
    ),
  );
}

async function race(url, seconds) {
  const rows = await Promise.all(
    Object.keys(contenders).map(async name => {
      const proxy = await countingProxy(url);
      const { stdout } = await run(process.execPath, [CHILD, name, proxy.url, ...spread(seconds)]);
      const { lateMs, cpuMs } = JSON.parse(stdout);
      const requests = proxy.take() / (TASKS + 1);
      proxy.close();
      return [
        name,
        ms(percentile(lateMs, 0.5)),
        ms(percentile(lateMs, 0.99)),
        requests.toFixed(1),
        ms(cpuMs),
      ];
    }),
  );
  printTable(
    `${TASKS} tasks of ${seconds} s, ±20 %, over HTTP`,
    ['', 'late p50', 'late p99', 'requests/task', 'processor time/task'],
    rows,
  );
}
