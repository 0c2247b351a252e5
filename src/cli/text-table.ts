/** A longer cell moves the rest of its own row only. */
const MAX_COLUMN_WIDTH = 100;

/** Rows in columns as wide as their widest cell: the first to the left, the others to the right, as figures are. */
export function tableLines(
  rows: readonly (readonly string[])[],
  others: 'left' | 'right' = 'right',
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.min(Math.max(widths[column] ?? 0, cell.length), MAX_COLUMN_WIDTH);
  }
  return rows.map(row =>
    row
      .map((cell, column) =>
        column === 0 || others === 'left'
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
