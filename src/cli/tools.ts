import type { ToolExplanation } from '../client/await-client.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { plainText } from './terminal-text.js';
import { tableLines } from './text-table.js';
import { withClient } from './with-client.js';

export interface ToolsFlags extends ServerFlags {
  readonly json?: boolean;
  /** Whether the evidence of pairs that were found is printed. */
  readonly why?: boolean;
  readonly detect?: boolean;
  readonly detectActions?: boolean;
}

/** `mcp-await tools`: lists a server's tools and how each is awaited. */
export function tools(flags: ToolsFlags, command: readonly string[], io: CommandIo): Promise<number> {
  return withClient(flags, command, io, async ({ client, view }) => {
    view.step('asking for the list of tools');
    const rows = await client.explainTools();
    view.stop();
    if (flags.json === true) printJson(io, rows);
    else if (rows.length === 0) io.stderr.write('The server has no tools.\n');
    else printLines(io, linesOf(rows, flags.why === true));
    return ExitCode.completed;
  });
}

function linesOf(rows: readonly ToolExplanation[], why: boolean): readonly string[] {
  const notes = rows.map(row => [
    plainText(row.tool),
    row.hidden ? 'hidden from agents, used by another tool' : plainText(`${row.protocol}: ${row.why}`),
  ]);
  const lines = tableLines(notes, 'left');
  return rows.flatMap((row, index) => [lines[index] ?? '', ...(why ? evidenceOf(row) : [])]);
}

/** A line for each thing that speaks for a pair or against it, by its name. */
function evidenceOf({ found }: ToolExplanation): readonly string[] {
  if (found === undefined) return [];
  const lines = found.evidence.map(({ name, points, says }) => [
    points === undefined ? 'veto' : points > 0 ? `+${points}` : String(points),
    name,
    plainText(says),
  ]);
  return tableLines(
    [...lines, [String(found.score), 'score', plainText(`of \`${found.statusTool}\``)]],
    'left',
  ).map(line => `    ${line}`);
}
