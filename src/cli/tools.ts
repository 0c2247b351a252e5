import { asStarted } from './command-name.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { serversNearby } from './server-choice.js';
import { withClient } from './with-client.js';

export interface ToolsFlags extends ServerFlags {
  readonly json?: boolean;
  /** Whether the reasons are printed for how each tool is awaited. */
  readonly why?: boolean;
  readonly detect?: boolean;
  readonly detectActions?: boolean;
}

/** Some servers describe a tool in a page. */
const COLUMNS_IN_A_PIPE = 200;

/** `mcp-await tools`: lists a server's tools, or tells of one how it is called. */
export function tools(
  flags: ToolsFlags,
  command: readonly string[],
  io: CommandIo,
  name?: string,
): Promise<number> {
  return withClient(flags, command, io, async ({ client, server, view }) => {
    view.step('asking for the list of tools');
    const rows = await client.explainTools();
    const { knownTool } = await import('./known-tool.js');
    const one = name === undefined ? undefined : knownTool(rows, name, server, io);
    view.stop();
    const { toolDetails, toolList } = await import('./tool-text.js');
    const columns = io.stdout.isTTY === true ? io.stdout.columns || 80 : COLUMNS_IN_A_PIPE;
    if (flags.json === true) printJson(io, one ?? rows);
    else if (one !== undefined)
      printLines(
        io,
        toolDetails(one, server.words).map(line => asStarted(line, io)),
      );
    else if (rows.length === 0) io.stderr.write('The server has no tools.\n');
    else printLines(io, toolList(rows, { columns, why: flags.why === true }));
    if (one === undefined && io.stderr.isTTY === true) {
      const nearby = serversNearby(server, io);
      if (nearby !== undefined) io.stderr.write(`${nearby}\n`);
    }
    return ExitCode.completed;
  });
}
