// A thousand tasks awaited at once in one process: what it sends, what it holds, how long it blocks.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { AwaitClient } from 'mcp-await';
import { withFolder, withHttpServer } from './bundled-server.js';
import { printTable, timed } from './measure.js';

const TASKS = 1000;
const SECONDS = 5;

const call = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds: SECONDS } },
};

/** `--concurrency` of the server is not what is measured here, so it must not queue. */
export async function manyWaits() {
  await withFolder(folder =>
    withHttpServer(
      folder,
      async url => {
        const client = await AwaitClient.connect(url, { maxAttempts: Number.POSITIVE_INFINITY });
        let requests = 0;
        const { transport } = client;
        const send = transport.send.bind(transport);
        transport.send = (message, ...rest) => {
          requests++;
          return send(message, ...rest);
        };
        await client.listTools();
        globalThis.gc?.();
        const memoryBefore = process.memoryUsage().rss;
        const delay = monitorEventLoopDelay({ resolution: 5 });
        delay.enable();
        let memoryPeak = 0;
        const onUpdate = () => {
          memoryPeak = Math.max(memoryPeak, process.memoryUsage.rss());
        };
        const { elapsedMs, value: results } = await timed(() =>
          Promise.all(Array.from({ length: TASKS }, () => client.callTool(call, undefined, { onUpdate }))),
        );
        delay.disable();
        await client.close();
        const right = results.filter(result => result.structuredContent?.slept_seconds === SECONDS).length;
        printTable(
          `${TASKS} tasks of ${SECONDS} s awaited at once over HTTP, in one process`,
          ['right results', 'wall', 'requests', 'requests/task', 'memory', 'longest pause'],
          [
            [
              `${right} of ${TASKS}`,
              `${(elapsedMs / 1000).toFixed(1)} s`,
              String(requests),
              (requests / TASKS).toFixed(2),
              `+${((memoryPeak - memoryBefore) / 1024 / 1024).toFixed(0)} MB`,
              `${(delay.max / 1e6).toFixed(0)} ms`,
            ],
          ],
        );
      },
      ['--concurrency', String(TASKS)],
    ),
  );
}
