import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ToolExplanation } from '../client/await-client.js';
import { schemaType } from './argument-types.js';
import { quote } from './shell-quote.js';
import { plainText } from './terminal-text.js';
import { cutTo } from './terminal-width.js';
import { tableLines } from './text-table.js';

const [LONG, PLAIN] = [
  'Long: a call starts a task, and `run` waits for its result, also where a description speaks of a reference',
  'Plain: a call answers with its result',
];

/** Whether a call may start a task that goes on after its answer. */
function isLong({ protocol }: ToolExplanation): boolean {
  return protocol !== 'sync';
}

/** The tools of a server in two groups, each with what the server says of it in one line. */
export function toolList(
  rows: readonly ToolExplanation[],
  { columns, why }: { readonly columns: number; readonly why: boolean },
): readonly string[] {
  const seen = rows.filter(({ hidden }) => !hidden);
  const hidden = rows.filter(row => row.hidden).map(({ tool }) => plainText(tool));
  const lines = tableLines(
    seen.map(({ tool, definition }) => [`  ${plainText(tool)}`, firstLine(definition.description)]),
    'left',
  );
  const shown = seen.map((row, index) => ({
    isLong: isLong(row),
    lines: [cutTo(columns, lines[index] ?? ''), ...(why ? reasonsFor(row) : [])],
  }));
  const group = (head: string, ofGroup: boolean) => {
    const members = shown.filter(each => each.isLong === ofGroup);
    return members.length === 0 ? [] : [[head, ...members.flatMap(each => each.lines)]];
  };
  const groups = [
    ...group(LONG, true),
    ...group(PLAIN, false),
    ...(hidden.length === 0
      ? []
      : [['Used by the long ones, and hidden from agents', `  ${hidden.join(', ')}`]]),
  ];
  return groups.flatMap((each, index) => (index === 0 ? each : ['', ...each]));
}

function firstLine(text = ''): string {
  return plainText(text.trim().split('\n', 1)[0] ?? '');
}

/** One tool: what it does, how it is awaited, and its arguments as flags to copy. */
export function toolDetails(row: ToolExplanation, serverWords: string): readonly string[] {
  const { tool, definition, hidden } = row;
  const { properties = {}, required = [] } = definition.inputSchema;
  const names = Object.keys(properties);
  const needed = names.filter(name => required.includes(name));
  const flags = names.map(name => [
    `  ${flagOf(name, definition)}`,
    required.includes(name) ? 'needed' : '',
    noteOf(properties[name]),
  ]);
  const given = needed.map(name => ` ${flagOf(name, definition)}`).join('');
  return [
    plainText(tool),
    ...(definition.description ?? '').split('\n').map(line => `  ${plainText(line)}`.trimEnd()),
    '',
    isLong(row) ? LONG : PLAIN,
    ...reasonsFor(row),
    ...(hidden ? ['    hidden from agents: another tool uses it'] : []),
    '',
    ...(names.length === 0 ? ['It takes no arguments.'] : ['Arguments', ...tableLines(flags, 'left')]),
    '',
    'Call it',
    `  mcp-await run ${quote(plainText(tool))}${given}${serverWords}`,
  ];
}

function flagOf(name: string, { inputSchema }: Tool): string {
  const type = schemaType(inputSchema, name);
  const value = type.values?.map(each => (typeof each === 'string' ? each : JSON.stringify(each))).join('|');
  return `--arg ${quote(plainText(`${name}=<${value ?? [...(type.types ?? ['value'])].join('|')}>`))}`;
}

function noteOf(schema: unknown): string {
  const { description, default: standard } = (schema ?? {}) as { description?: unknown; default?: unknown };
  return [
    typeof description === 'string' ? plainText(description) : '',
    standard === undefined ? '' : `(default: ${plainText(JSON.stringify(standard))})`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** How a tool is awaited and why, with a line for each thing that speaks for a pair or against it, by its name. */
function reasonsFor({ protocol, why, found }: ToolExplanation): readonly string[] {
  const lines = (found?.evidence ?? []).map(({ name, points, says }) => [
    points === undefined ? 'veto' : points > 0 ? `+${points}` : String(points),
    name,
    plainText(says),
  ]);
  const score =
    found === undefined ? [] : [[String(found.score), 'score', plainText(`of \`${found.statusTool}\``)]];
  return [plainText(`${protocol}: ${why}`), ...tableLines([...lines, ...score], 'left')].map(
    line => `    ${line}`,
  );
}
