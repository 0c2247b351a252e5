import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { plainText } from './terminal-text.js';
import { tableLines } from './text-table.js';
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
      const notes = rows.map(({ tool, protocol, why, hidden }) => [
        plainText(tool),
        hidden ? 'hidden from agents, used by another tool' : plainText(`${protocol}: ${why}`),
      ]);
      printLines(io, tableLines(notes, 'left'));
    }
    return ExitCode.completed;
  });
}
