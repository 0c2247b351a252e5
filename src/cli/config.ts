import { maskSecrets } from '../server/config/mask-secrets.js';
import { bySection, type Setting, settingList } from '../server/config/setting-list.js';
import { defaultStoreUrl } from '../storage/state-folder.js';
import type { SettingsFlag } from './config/find-file.js';
import { type LoadedSettings, loadSettings, type Source } from './config/load-settings.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { tableLines } from './text-table.js';

/** `mcp-await config`: prints the settings that hold, without secrets, and who says so. */
export async function config(
  flags: SettingsFlag & { readonly json?: boolean },
  io: CommandIo,
): Promise<number> {
  const loaded = await loadSettings(flags, io);
  for (const warning of loaded.warnings) io.stderr.write(`${warning}\n`);
  const stateOf = (setting: Setting) => stateOfSetting(setting, loaded, io);
  if (flags.json === true) printJson(io, { file: loaded.file ?? null, settings: bySection(stateOf) });
  else printTable(stateOf, loaded.file, io);
  return ExitCode.completed;
}

interface State {
  readonly value: unknown;
  readonly source: Source;
}

function stateOfSetting(setting: Setting, { said }: LoadedSettings, { env }: CommandIo): State {
  const { source, value } = said(setting);
  const known = setting.path === 'state.provider' ? (value ?? defaultStoreUrl(env)) : value;
  return { value: withoutSecrets(known), source };
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  return typeof value === 'string' ? maskSecrets(value) : (value ?? null);
}

function printTable(stateOf: (setting: Setting) => State, file: string | undefined, io: CommandIo): void {
  const rows = settingList.map(setting => {
    const { value, source } = stateOf(setting);
    return [setting.path, shown(setting, value), whoSays(setting, source, file)];
  });
  printLines(io, tableLines(rows, 'left'));
}

function shown({ otherwise }: Setting, value: unknown): string {
  if (value === null) return `(${otherwise})`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function whoSays({ variable }: Setting, source: Source, file: string | undefined): string {
  if (source === 'environment') return `environment ${variable}`;
  return source === 'file' ? `file ${file}` : source;
}
