import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configSchema } from '../../server/config/config-schema.js';
import { fileProblems } from '../../server/config/problems.js';
import { type Setting, settingList } from '../../server/config/setting-list.js';
import { importModule } from '../../server/import-module.js';
import { parseCommentedJson } from '../../storage/commented-json.js';
import { readTextFile, unreadableReason } from '../../storage/text-file.js';
import { UsageError } from '../exit-code.js';
import type { Layer } from './layer.js';

/**
 * What a settings file says, its relative paths made absolute: they start at its own folder.
 * @param tell takes a line for a person where a module takes long to load
 * @throws ConfigurationError when it cannot be read; what is wrong inside it is a problem of the layer
 */
export async function readSettingsFile(file: string, tell: (line: string) => void): Promise<Layer> {
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
