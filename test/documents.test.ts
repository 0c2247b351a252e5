import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Argument, Command, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { ExitCode } from '../src/cli/exit-code.js';
import {
  addConnectionFlags,
  addHttpFlags,
  addPollingFlags,
  addServerFlags,
  addSettingsFlag,
  addTaskFlags,
  RUN_HELP,
} from '../src/cli/flags.js';
import { addWordFlags } from '../src/cli/pair-flags.js';
import { buildProgram } from '../src/cli/program.js';
import { connectionShape } from '../src/client/connect/connection-options.js';
import { circuitOptions } from '../src/client/faults/circuits.js';
import { waitOptions } from '../src/client/options.js';
import { parsePairs } from '../src/client/tools/pair-options.js';
import { CallStats } from '../src/client/watches/call-stats.js';
import * as publicExports from '../src/index.js';
import { configSchema } from '../src/server/config/config-schema.js';
import { settingList } from '../src/server/config/setting-list.js';
import { builtInOperations } from '../src/server/index.js';
import { PROCESS_METRICS, STORE_GAUGES } from '../src/server/observability/metric-families.js';
import { countActivity } from '../src/server/observability/metrics.js';
import { observabilitySettings } from '../src/server/observability/options.js';
import { createPrometheus } from '../src/server/observability/prometheus.js';
import { fieldRows, profileRows } from './servers-page.js';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const readme = read('README.md');

/** The body rows of the Markdown table whose head starts with these cells. */
function table(text: string, ...head: string[]): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex(line => line.startsWith(`| ${head.join(' | ')} |`));
  expect(start, `a table with the head ${head.join(', ')}`).toBeGreaterThan(-1);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex(line => !line.startsWith('|'));
  return rows.slice(0, end).map(line => line.slice(2, -2).split(' | '));
}

const unquote = (cell = '') => cell.replaceAll('`', '');

function program(): Command {
  const io = {
    argv: [],
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
  };
  return buildProgram({ ...io, cwd: () => '.', on() {}, off() {} }, [], { onExit() {}, onProtocol() {} });
}

it('the help of a command names each default once', () => {
  const helps = program().commands.map(command => command.helpInformation().replace(/\s+/g, ' '));
  expect(helps.filter(help => /\(default[^)]*\) \(default/.test(help))).toEqual([]);
});

describe('the README', () => {
  it('stays short', () => {
    expect(readme.split('\n').length).toBeLessThan(200);
  });

  it('shows the program that is an example', () => {
    expect(readme).toContain(`\`\`\`ts\n${read('examples/quick-start.ts')}\`\`\``);
  });

  it('has the two commands of set-up', () => {
    expect(readme).toContain('\nnpm ci && node bin/mcp-await.js run hash_tree --arg path=src\n');
    expect(readme).toContain('\nnpm ci && npm test\n');
  });

  it('draws the figures that were measured', () => {
    const rows = table(read('docs/measurements/figures.md'), 'who waits', 'jobs finished');
    const measured = (who: string) => rows.find(([name]) => name === who)?.slice(1, 3);
    expect([measured('the model polls'), measured('mcp-await')]).toEqual([
      ['8 of 10', '257'],
      ['10 of 10', '20'],
    ]);
    const picture = read('docs/images/one-call.svg');
    const drawn = [...picture.matchAll(/class="count \w+">([^<]*)</g)].map(match => match[1]);
    expect(drawn).toEqual(['257', '8 of 10', '20', '10 of 10']);
  });

  it('lists every command', () => {
    const listed = [...readme.matchAll(/^mcp-await (\w+) .* {2,}\S/gm)].map(match => match[1]);
    expect(listed.toSorted()).toEqual(
      commandsOf(program())
        .map(command => command.name())
        .toSorted(),
    );
  });
});

describe('docs/reference.md', () => {
  const page = read('docs/reference.md');

  it('lists every wait option with its default and its sentence', () => {
    const source = read('src/client/options.ts');
    const rows = table(page, 'option', 'default').map(([name, value]) => [unquote(name), value]);
    expect(rows).toEqual(Object.entries(waitOptions).map(([name, option]) => [name, String(option.default)]));
    for (const [name, value, sentence] of table(page, 'option', 'default')) {
      const comment = `/** ${sentence} @default ${value} */\n  readonly ${unquote(name)}?`;
      expect(source, `the sentence of ${name}`).toContain(comment);
    }
  });

  it.each([
    ['option of a call', 'options', ['CallOptions']],
    ['option of a client', 'options tools/pair-options', ['AwaitClientOptions', 'PairOptions']],
    [
      'option of `connect`',
      'connect/connect connect/connection-options',
      ['ConnectOptions', 'ConnectionOptions'],
    ],
  ])('lists every %s with the default of its comment', (head, files, interfaces) => {
    const source = files
      .split(' ')
      .map(name => read(`src/client/${name}.ts`))
      .join('\n');
    const declared = new Map(interfaces.flatMap(name => optionsOf(source, name)));
    const rows = table(page, head, 'default');
    expect(rows.map(([name]) => unquote(name)).toSorted()).toEqual([...declared.keys()].toSorted());
    for (const [name, value] of rows) {
      const comment = declared.get(unquote(name));
      if (comment !== undefined && /^(\d+|true|false|\[\]|\{\})$/.test(comment))
        expect(value, name).toBe(comment);
    }
  });

  it('lists every error with its code', () => {
    const classes = Object.entries(publicExports).filter(
      ([name]) => /^[A-Z]\w+Error$/.test(name) && name !== 'AwaitError' && !name.startsWith('is'),
    );
    const errors = classes.map(([name, Class]) => {
      const error = new (Class as new (message: string, options: object) => { code: string })('', {});
      return [name, error.code];
    });
    const rows = table(page, 'error', 'code').map(([name, code]) => [unquote(name), unquote(code)]);
    expect(rows.toSorted()).toEqual(errors.toSorted());
  });

  it('lists every event', () => {
    const events = [...read('src/client/events.ts').matchAll(/readonly type: '([\w-]+)'/g)];
    const listed = table(page, 'event', 'when').map(([name]) => unquote(name));
    expect(listed.toSorted()).toEqual(events.map(([, name]) => name).toSorted());
  });

  it('lists every exit code', () => {
    const codes = table(page, 'exit code', 'meaning').map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(ExitCode).toSorted((a, b) => a - b));
  });
});

describe('docs/authorization.md', () => {
  it('shows the program that is an example', () => {
    expect(read('docs/authorization.md')).toContain(`\`\`\`ts\n${read('examples/authorize.ts')}\`\`\``);
  });
});

describe('docs/bundled-server.md', () => {
  it('shows the receiver of webhooks that is an example', () => {
    expect(read('docs/bundled-server.md')).toContain(
      `\`\`\`ts\n${read('examples/receive-webhook.ts')}\`\`\``,
    );
  });

  it('lists every built-in operation', () => {
    const policies = {
      hashTree: { roots: ['.'] },
      mcpTool: { servers: ['one'], connect: () => Promise.reject() },
    };
    const names = builtInOperations(policies).map(operation => operation.name);
    const listed = table(read('docs/bundled-server.md'), 'operation', 'what it does').map(([name]) =>
      unquote(name),
    );
    expect(listed.toSorted()).toEqual(names.toSorted());
  });

  it('lists the options of `http` with their defaults', () => {
    const source = read('src/server/http/http-server.ts');
    const omitted = /http\?:\s*\| Omit<HttpServerOptions, ([^>]*)>/.exec(
      read('src/server/start-server.ts'),
    )?.[1];
    const declared = optionsOf(source, 'HttpServerOptions').filter(
      ([name]) => !omitted?.includes(`'${name}'`) && name !== 'createMcpServer',
    );
    const rows = table(read('docs/bundled-server.md'), 'option of `http`', 'default');
    expect(rows.map(([name]) => unquote(name))).toEqual(declared.map(([name]) => name));
    for (const [name, comment] of declared) {
      const row = rows.find(cells => unquote(cells[0]) === name);
      expect(unquote(row?.[1]), name).toBe(comment);
    }
  });

  it('names only error codes that the server has', () => {
    const source = [
      'tools/server-tool',
      'task-service',
      'runner',
      'operations/http-request',
      'operations/mcp-tool',
    ]
      .map(file => read(`src/server/${file}.ts`))
      .join('\n');
    const all = source + sources('src/engine') + sources('src/server');
    const codes = new Set(
      read('docs/bundled-server.md')
        .match(/`[A-Z]+(?:_[A-Z]+)+`/g)
        ?.map(unquote),
    );
    for (const code of codes) expect(all, code).toMatch(new RegExp(`['"]${code}['"]`));
  });

  it('lists the options of startServer with their defaults', () => {
    const files = ['start-server', 'runtime', 'task-limits'];
    const source = files.map(name => read(`src/server/${name}.ts`)).join('');
    const bodies = source.matchAll(
      /export interface (?:Server|TaskLimit|Runtime)Options\b.*? \{([\s\S]*?)\n\}/g,
    );
    const names = [...bodies].flatMap(([, body]) => [...(body ?? '').matchAll(/readonly (\w+)\??:/g)]);
    const listed = table(read('docs/bundled-server.md'), 'option', 'default').map(([name]) => unquote(name));
    expect(listed.toSorted()).toEqual(names.map(match => match[1]).toSorted());
  });
});

describe('the metrics in docs/bundled-server.md', () => {
  const page = read('docs/bundled-server.md');

  it('are those of the code, with their types, labels and sentences', async () => {
    const prometheus = createPrometheus('');
    countActivity([prometheus]);
    const { text } = await prometheus.render({ stats: undefined, alerts: [] });
    const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(match => [match[1], match[2]]));
    const rows = [...STORE_GAUGES, ...Object.values(PROCESS_METRICS)].map(({ name, labels, help }) => [
      `\`${name}\``,
      types.get(name),
      labels.map(label => `\`${label}\``).join(', '),
      help,
    ]);
    expect(table(page, 'metric', 'type', 'labels')).toEqual(rows);
  });

  it('come with every option of observability and its default', () => {
    const defaults = Object.entries(observabilitySettings({}, 'info')).map(([name, value]) => [
      name,
      typeof value === 'string' ? `'${value}'` : String(value),
    ]);
    const listed = table(page, '`observability`', 'default').map(([name, value = '']) => [
      unquote(name),
      unquote(value).split(';')[0],
    ]);
    expect(listed).toEqual(defaults);
  });
});

describe('docs/observing.md', () => {
  const page = read('docs/observing.md');

  it('lists every option of the circuit breaker with its default and its sentence', () => {
    const source = read('src/client/faults/circuits.ts');
    const rows = table(page, 'option of `circuitBreaker`', 'default');
    expect(rows.map(([name, value]) => [unquote(name), value])).toEqual(
      Object.entries(circuitOptions).map(([name, option]) => [name, String(option.default)]),
    );
    for (const [name, value, sentence] of rows) {
      expect(source, `the sentence of ${name}`).toContain(
        `/** ${sentence} @default ${value} */\n  readonly ${unquote(name)}?`,
      );
    }
  });

  it('shows statistics as the client gives them', () => {
    const json = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const circuits = { watch: () => ({}), stats: () => ({ state: 'open', retryAt: '' }) as const };
    const counted = new CallStats({ circuits });
    counted.watch('render_video');
    const [tool] = counted.read().tools;
    expect(Object.keys(JSON.parse(json).tools[0])).toEqual(Object.keys(tool ?? {}));
  });
});

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md');

  it('lists every setting with its default, variable, flag, sentence and unit', () => {
    const rows = settingList.map(setting => [
      `\`${setting.path}\``,
      setting.default === undefined ? setting.otherwise : `\`${JSON.stringify(setting.default)}\``,
      `\`${setting.variable}\``,
      setting.flag === undefined ? '' : `\`${setting.flag}\``,
      setting.description + (setting.unit === undefined ? '' : ` In ${setting.unit}.`),
    ]);
    expect(table(page, 'setting', 'default', 'environment variable')).toEqual(rows);
  });

  it('lists only flags that there are', () => {
    const flags = program()
      .commands.find(command => command.name() === 'config')
      ?.options.map(each => each.long);
    for (const { flag, form } of settingList) {
      if (flag !== undefined) expect(flags).toContain(flag);
      // Otherwise no flag could beat a switch that the file has turned on.
      if (flag !== undefined && form === 'boolean') expect(flags).toContain(flag.replace('--', '--no-'));
    }
  });

  it('lists only settings that a command reads, or hands on as options', () => {
    const commands = readdirSync(new URL('../src/cli', import.meta.url)).filter(name => name.endsWith('.ts'));
    const source = commands.map(name => read(`src/cli/${name}`)).join('\n');
    const isRead = (path: string, key: string) =>
      new RegExp(`\\b${path}\\b|[{,]\\s*${key}[,\\s}]`).test(source);
    const handedOn = [waitOptions, connectionShape, observabilitySettings({}, 'info')];
    const isOption = (key: string) => handedOn.some(options => Object.hasOwn(options, key));
    const unread = settingList.filter(({ path, key }) => !isRead(path, key) && !isOption(key));
    expect(unread.map(({ path }) => path)).toEqual([]);
  });

  it('has the defaults that the server and the engine have without settings', () => {
    const source = sources('src/server') + read('src/engine/engine.ts');
    const comments = [
      ...source.matchAll(/@default (\d[\d.]*|true|false|'[^']*')[^*]*\*\/\s*readonly (\w+)\?/g),
    ];
    const compared = settingList
      .filter(setting => setting.default !== undefined)
      .filter(({ section }) => section === 'state' || section === 'execution' || section === 'observability')
      .flatMap(setting =>
        comments.filter(([, , name]) => name === setting.key).map(comment => ({ setting, comment })),
      );
    expect(new Set(compared.map(({ setting }) => setting.key))).toContain('leaseSeconds');
    for (const { setting, comment } of compared) {
      expect(comment[1]?.replaceAll("'", ''), setting.path).toBe(String(setting.default));
    }
  });

  it('shows a file that is one', () => {
    const json = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(configSchema.safeParse(JSON.parse(json))).toMatchObject({ success: true });
  });
});

describe('docs/start-status-pairs.md', () => {
  const page = read('docs/start-status-pairs.md');

  it('lists every profile that is built in', () => {
    expect(table(page, 'profile, version', 'server')).toEqual(profileRows);
  });

  it('lists every field of a profile with its sentence', () => {
    expect(table(page, 'field', 'required')).toEqual(fieldRows);
  });

  it('shows profiles that are some', () => {
    const shown = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => JSON.parse(json));
    expect(parsePairs(shown, 'docs/start-status-pairs.md')).toHaveLength(2);
  });
});

it('every link within the documents leads somewhere', () => {
  const pages = ['.', 'docs', 'docs/measurements'].flatMap(folder =>
    readdirSync(new URL(`../${folder}`, import.meta.url))
      .filter(name => name.endsWith('.md'))
      .map(name => join(folder, name)),
  );
  const broken = pages.flatMap(page =>
    [...read(page).matchAll(/\]\((?!https?:|vscode:|cursor:)([^)#\s]*)(#[^)\s]*)?\)/g)]
      .filter(([, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path);
        if (!existsSync(new URL(`../${target}`, import.meta.url))) return true;
        return anchor !== undefined && !anchorsOf(read(target)).includes(anchor.slice(1));
      })
      .map(([link]) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

it('docs/README.md leads to every page', () => {
  const pages = readdirSync(new URL('../docs', import.meta.url), { recursive: true }).map(String);
  const index = read('docs/README.md');
  const missing = pages.filter(
    page => page.endsWith('.md') && page !== 'README.md' && !index.includes(`(${page})`),
  );
  expect(missing).toEqual([]);
});

it('docs/cli.md is what the program says of itself', async () => {
  await expect(describeProgram(program())).toMatchFileSnapshot('../docs/cli.md');
});

/** The headings of a page, as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  const outsideOfCode = text.replace(/^```[\s\S]*?^```/gm, '');
  return [...outsideOfCode.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The names of an interface's own options, with what their comments say of the default. */
function optionsOf(source: string, name: string): [string, string | undefined][] {
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? '';
  const declared = body.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?readonly (\w+)\??:/g);
  return [...declared].map(([, comment = '', option = '']) => [
    option,
    /@default (.*?)\s*(?:\(.*\))?\s*$/.exec(comment.replace(/\n\s*\*/g, ' '))?.[1],
  ]);
}

function sources(folder: string): string {
  const files = readdirSync(new URL(`../${folder}`, import.meta.url), { recursive: true }).map(String);
  return files
    .filter(file => file.endsWith('.ts'))
    .map(file => read(`${folder}/${file}`))
    .join('\n');
}

/** Those for people, beside help; what commands start for themselves is hidden. */
function commandsOf(root: Command): Command[] {
  return root
    .createHelp()
    .visibleCommands(root)
    .filter(command => command.name() !== 'help');
}

/** Flags that several commands have: what they are for, and their rows. A flag is in the first group that has it. */
function sharedFlags(): readonly { readonly topic: string; readonly rows: readonly string[] }[] {
  const known = new Set<string>();
  return Object.entries({
    'the settings file': addSettingsFlag,
    'the connection': addConnectionFlags,
    'the server': addServerFlags,
    polling: addPollingFlags,
    'status words': addWordFlags,
    'running tasks': addTaskFlags,
    'serving HTTP': addHttpFlags,
  }).map(([topic, add]) => {
    const rows = add(new Command()).options.map(optionRow);
    const ownRows = rows.filter(row => !known.has(row));
    for (const row of rows) known.add(row);
    return { topic, rows: ownRows };
  });
}

function optionRow({ flags, description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? [] : [`choices: ${argChoices.join(', ')}`];
  const shown = ['string', 'number'].includes(typeof defaultValue) ? [`default: ${defaultValue}`] : [];
  const notes = [...choices, ...shown].join('; ');
  return `| \`${flags}\` | ${description}${notes && ` (${notes})`} |`;
}

function argumentRow(argument: Argument): string {
  const choices = argument.argChoices === undefined ? '' : ` (choices: ${argument.argChoices.join(', ')})`;
  return `| \`<${argument.name()}>\` | ${argument.description}${choices} |`;
}

function rowsOf(rows: readonly string[]): string {
  return rows.length === 0 ? '' : `| | |\n|---|---|\n${rows.map(row => `${row}\n`).join('')}`;
}

function describeProgram(root: Command): string {
  const groups = sharedFlags();
  const parts = commandsOf(root).map(command => {
    const { registeredArguments, options } = command;
    const words = registeredArguments
      .map(argument => (argument.required ? ` <${argument.name()}>` : ` [${argument.name()}]`))
      .join('');
    const rows = options.map(optionRow);
    const shared = groups.filter(group => group.rows.every(row => rows.includes(row)));
    const own = rows.filter(row => !shared.some(group => group.rows.includes(row)));
    const links = shared.map(({ topic }) => `[${topic}](#flags-for-${anchorOf(topic)})`);
    return [
      `## mcp-await ${command.name()}${words}`,
      sentence(command.description()),
      rowsOf([...registeredArguments.map(argumentRow), ...own]).trimEnd(),
      links.length === 0 ? '' : `And flags for ${links.join(', ')}.`,
    ]
      .filter(Boolean)
      .join('\n\n');
  });
  const sections = groups.map(({ topic, rows }) => `## Flags for ${topic}\n\n${rowsOf(rows).trimEnd()}`);
  const note = `[The first page](../README.md#on-the-command-line) lists the commands. \`mcp-await COMMAND --help\` prints all flags of one command. This
page is made from the program: \`npx vitest run test/documents.test.ts --update\` writes it.`;
  const examples = /Examples:\n([\s\S]*?)\n\n/.exec(RUN_HELP)?.[1]?.replace(/^ +/gm, '');
  const example = `\`\`\`\n${examples}\n\`\`\``;
  return `${['# The command line', note, example, ...parts, ...sections].join('\n\n')}\n`;
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}
