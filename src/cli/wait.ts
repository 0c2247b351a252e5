import { awaitJob } from './await-job.js';
import type { ServerFlags, WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { progressView } from './progress-view.js';
import { readReference } from './reference-text.js';
import { waitOptionsOf } from './wait-options.js';
import { withClient } from './with-client.js';

/** `mcp-await wait`: picks a job up again and prints its final result. */
export function wait(
  source: string,
  flags: ServerFlags & WaitFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  return withClient(flags, command, io, async ({ client, server, interrupts, settings, onEvent }) => {
    const reference = await readReference(source, io);
    const view = progressView(reference.tool, io, flags.quiet === true);
    onEvent(event => view.hear(event));
    const task = await client.resumeTask(reference, {
      ...waitOptionsOf(flags, settings),
      signal: interrupts.second,
      onUpdate: snapshot => view.update(snapshot),
    });
    return awaitJob(task, {
      io,
      json: flags.json === true,
      quiet: flags.quiet === true,
      serverWords: server.words,
      view,
      interrupts,
      onInterrupt: flags.onInterrupt,
    });
  });
}
