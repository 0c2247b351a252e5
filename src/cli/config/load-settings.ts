import { ConfigurationError } from '../../errors.js';
import { configSchema, type Settings } from '../../server/config/config-schema.js';
import { bySection, type Setting } from '../../server/config/setting-list.js';
import type { CommandIo } from '../io.js';
import { environmentLayer, unknownVariables } from './environment.js';
import { findSettingsFile, type SettingsFlag } from './find-file.js';
import { flagLayer } from './flag-layer.js';
import type { Layer } from './layer.js';
import { readSettingsFile } from './read-file.js';

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
    file: file === undefined ? NOTHING : await readSettingsFile(file),
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
