import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printJson } from './report.js';
import { withClient } from './with-client.js';

/** `mcp-await tools`: lists a server's tools and how each is awaited. */
export function tools(
  flags: ServerFlags & { readonly json?: boolean; readonly detect?: boolean },
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  return withClient(flags, command, io, async ({ client }) => {
    const rows = await client.explainTools();
    if (flags.json === true) printJson(io, rows);
    else if (rows.length === 0) io.stderr.write('The server has no tools.\n');
    else {
      const widest = Math.max(...rows.map(row => row.tool.length));
      for (const { tool, protocol, why, hidden } of rows) {
        const note = hidden ? 'hidden from agents, used by another tool' : `${protocol}: ${why}`;
        io.stdout.write(`${tool.padEnd(widest)}  ${note}\n`);
      }
    }
    return ExitCode.completed;
  });
}
