import { ConfigurationError } from '../../errors.js';
import { configSchema, type Settings } from '../../server/config/config-schema.js';
import { nearestName } from '../../server/config/problems.js';
import { bySection, type Setting, settingList } from '../../server/config/setting-list.js';
import type { CommandIo } from '../io.js';
import { FILE_VARIABLE, findSettingsFile, type SettingsFlag } from './find-file.js';
import { checkedLayer, type Layer } from './layer.js';
import { readSettingsFile } from './read-file.js';
import { transportOf } from './transport-flags.js';

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

/** `--token-file` is `tokenFile` among the parsed flags. */
function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
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
      return trimmed.startsWith('[') ? parsedList(trimmed) : trimmed.split(',').map(each => each.trim());
    case 'text':
      return text;
  }
}

function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
