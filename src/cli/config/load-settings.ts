import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '../../errors.js';
import { parseJson } from '../../protocols/tool-result.js';
import { configSchema, type Settings } from '../../server/config/config-schema.js';
import { fileProblems, nearestName, valueProblem } from '../../server/config/problems.js';
import { bySection, type Setting, settingList } from '../../server/config/setting-list.js';
import { importModule } from '../../server/import-module.js';
import { parseCommentedJson } from '../../storage/commented-json.js';
import { readTextFile, unreadableReason } from '../../storage/text-file.js';
import { UsageError } from '../exit-code.js';
import { attributeOf, transportOf } from '../given-flags.js';
import type { CommandIo } from '../io.js';
import { FILE_VARIABLE, findSettingsFile, type SettingsFlag } from './find-file.js';

/** Ours, but no settings: the state folder, this file, a secret, and the line from a relay. */
const OTHERS = ['MCP_AWAIT_HOME', FILE_VARIABLE, 'MCP_AWAIT_WEBHOOK_SECRET', 'MCP_AWAIT_LINE'];

const KNOWN: readonly string[] = [...settingList.map(({ variable }) => variable), ...OTHERS];

/** Who said what a setting is, the strongest first. */
export type Source = 'flag' | 'environment' | 'file' | 'default';

export interface LoadedSettings {
  readonly settings: Settings;
  readonly file: string | undefined;
  /** What was said of a setting, and by whom. */
  readonly said: (setting: Setting) => { readonly source: Source; readonly value: unknown };
  /** Lines for standard error. */
  readonly warnings: readonly string[];
}

/** What one source says: values by the paths of their settings, and what is wrong with it. */
interface Layer {
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

const NOTHING: Layer = { values: new Map(), problems: [] };

/**
 * The settings that hold: a flag beats the environment, which beats the file, which beats the default.
 * @throws ConfigurationError that tells everything that is wrong
 */
export async function loadSettings(flags: SettingsFlag, io: CommandIo): Promise<LoadedSettings> {
  const file = findSettingsFile(flags, io);
  const layers: Readonly<Record<Exclude<Source, 'default'>, Layer>> = {
    flag: flagLayer(flags),
    environment: environmentLayer(io.env),
    file: file === undefined ? NOTHING : await readSettingsFile(file, line => io.stderr.write(`${line}\n`)),
  };
  const problems = Object.values(layers).flatMap(layer => layer.problems);
  if (problems.length > 0) throw new ConfigurationError(explain(problems));
  const said: LoadedSettings['said'] = setting => {
    for (const [source, { values }] of Object.entries(layers)) {
      if (values.has(setting.path)) return { source: source as Source, value: values.get(setting.path) };
    }
    return { source: 'default', value: setting.default };
  };
  return {
    settings: configSchema.parse(bySection(setting => said(setting).value)),
    file,
    said,
    warnings: unknownVariables(io.env),
  };
}

/** The settings alone, with the warnings printed. */
export async function useSettings(
  flags: SettingsFlag & { readonly quiet?: boolean },
  io: CommandIo,
): Promise<Settings> {
  const { settings, warnings } = await loadSettings(flags, io);
  if (flags.quiet !== true) for (const warning of warnings) io.stderr.write(`${warning}\n`);
  return settings;
}

function explain(problems: readonly string[]): string {
  if (problems.length === 1) return problems.join();
  return `The configuration is not usable:\n${problems.map(problem => `  ${problem}`).join('\n')}`;
}

/** What the flags of a command say. */
function flagLayer(flags: object): Layer {
  const given: Readonly<Record<string, unknown>> = { ...flags, http: transportOf(flags) };
  return checkedLayer(
    ({ flag, unit }) => {
      const value = flag === undefined ? undefined : given[attributeOf(flag)];
      // A duration is parsed to milliseconds.
      return unit === 'seconds' && typeof value === 'number' ? value / 1000 : value;
    },
    ({ flag }) => flag,
  );
}

/** What the environment says. An empty variable says nothing. */
function environmentLayer(env: CommandIo['env']): Layer {
  return checkedLayer(
    setting => valueFrom(setting, env[setting.variable] ?? ''),
    setting => setting.variable,
  );
}

/** A line for each variable that looks like one of ours and is none. */
function unknownVariables(env: CommandIo['env']): readonly string[] {
  return Object.keys(env)
    .filter(name => name.startsWith('MCP_AWAIT_') && !KNOWN.includes(name))
    .map(name => {
      const meant = nearestName(name, KNOWN);
      return `The environment variable ${name} means nothing${meant === undefined ? '.' : `; did you mean ${meant}?`}`;
    });
}

/** What cannot be read as the form is left as text, for the schema to refuse. */
function valueFrom({ form }: Setting, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  switch (form) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      return { true: true, '1': true, false: false, '0': false }[trimmed] ?? text;
    case 'list':
      return trimmed.startsWith('[')
        ? (parseJson(trimmed) ?? trimmed)
        : trimmed.split(',').map(each => each.trim());
    case 'text':
      return text;
  }
}

/**
 * What a settings file says, its relative paths made absolute: they start at its own folder.
 * @param tell takes a line for a person where a module takes long to load
 * @throws ConfigurationError when it cannot be read; what is wrong inside it is a problem of the layer
 */
async function readSettingsFile(file: string, tell: (line: string) => void): Promise<Layer> {
  const content = await contentOf(file, tell);
  const parsed = configSchema.safeParse(content);
  if (!parsed.success) {
    const problems = fileProblems(parsed.error, content).map(problem => `${file}: ${problem}`);
    return { values: new Map(), problems };
  }
  const given = content as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const values = settingList
    .map(setting => [setting, given[setting.section]?.[setting.key]] as const)
    .filter(([, value]) => value !== undefined)
    .map(([setting, value]) => [setting.path, fromFolder(dirname(file), setting, value)] as const);
  return { values: new Map(values), problems: [] };
}

async function contentOf(file: string, tell: (line: string) => void): Promise<unknown> {
  const text = await readTextFile(file).catch(cause => {
    throw new UsageError(`The settings file ${file} cannot be read: ${unreadableReason(cause)}`, { cause });
  });
  if (/\.[mc]?[jt]s$/.test(file)) return exportOf(file, tell);
  try {
    return parseCommentedJson(text);
  } catch (cause) {
    throw new UsageError(`The settings file ${file} is no valid JSON: ${(cause as Error).message}.`);
  }
}

async function exportOf(file: string, tell: (line: string) => void): Promise<unknown> {
  const module = await importModule(pathToFileURL(file), `The settings file ${file}`, tell);
  if (module.default !== undefined) return module.default;
  throw new UsageError(
    `The settings file ${file} has no default export: write \`export default { server: { … } }\`.`,
  );
}

function fromFolder(folder: string, { relative }: Setting, value: unknown): unknown {
  if (relative === undefined) return value;
  if (Array.isArray(value)) return value.map(each => resolve(folder, each));
  if (typeof value !== 'string') return value;
  return relative === 'path' ? resolve(folder, value) : storeFromFolder(folder, value);
}

function storeFromFolder(folder: string, url: string): string {
  const path = /^sqlite:(?!:memory:$|\/\/)(.+)$/i.exec(url)?.[1];
  return path === undefined || isAbsolute(path) ? url : `sqlite:${resolve(folder, path)}`;
}

/** The values of a source that names each setting in its own way. */
function checkedLayer(
  getValue: (setting: Setting) => unknown,
  getName: (setting: Setting) => string | undefined,
): Layer {
  const values = new Map<string, unknown>();
  const problems: string[] = [];
  for (const setting of settingList) {
    const value = getValue(setting);
    if (value === undefined) continue;
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) values.set(setting.path, parsed.data);
    else problems.push(`${getName(setting)}: ${valueProblem(setting, parsed.error.issues[0], value)}`);
  }
  return { values, problems };
}
