import { expect, it } from 'vitest';
import { toolDetails, toolList } from '../../src/cli/tool-text.js';
import type { ToolExplanation } from '../../src/client/await-client.js';

const tool = (name: string, fields: Partial<ToolExplanation> = {}): ToolExplanation => ({
  tool: name,
  protocol: 'sync',
  why: 'nothing says that it starts a task',
  hidden: false,
  definition: {
    name,
    description: `Tells of ${name}.\nAt length.`,
    inputSchema: {
      type: 'object',
      properties: {
        title: { type: 'string', description: 'The title\nof it' },
        format: { enum: ['pdf', 'html'], default: 'pdf' },
      },
      required: ['title'],
    },
  },
  ...fields,
});
const LONG =
  'Long: a call starts a task, and `run` waits for its result, also where a description speaks of a reference';
const rows = [
  tool('render_report', { protocol: 'tool-pair', why: 'a profile tells of it' }),
  tool('list_reports'),
  tool('get_report_status', { hidden: true }),
];

it('lists long and plain tools apart, a line each, no wider than the terminal', () => {
  expect(toolList(rows, { columns: 34, why: false })).toEqual([
    LONG,
    '  render_report  Tells of render_…',
    '',
    'Plain: a call answers with its result',
    '  list_reports   Tells of list_re…',
    '',
    'Used by the long ones, and hidden from agents',
    '  get_report_status',
  ]);
});

it('says why where that is asked', () => {
  expect(toolList(rows, { columns: 80, why: true })).toContain('    tool-pair: a profile tells of it');
  expect(toolList([], { columns: 80, why: true })).toEqual([]);
});

it('shows the arguments of one tool as flags to copy', () => {
  const [row] = rows;
  expect(row && toolDetails(row, ' --server reports')).toEqual([
    'render_report',
    '  Tells of render_report.',
    '  At length.',
    '',
    LONG,
    '    tool-pair: a profile tells of it',
    '',
    'Arguments',
    "  --arg 'title=<string>'     needed  The title of it",
    '  --arg \'format=<pdf|html>\'          (default: "pdf")',
    '',
    'Call it',
    "  mcp-await run render_report --arg 'title=<string>' --server reports",
  ]);
});
