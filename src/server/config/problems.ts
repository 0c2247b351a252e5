import type { z } from 'zod';
import { similarName } from '../../similar-name.js';
import { maskSecrets } from './mask-secrets.js';
import { type Setting, settingList } from './setting-list.js';

const MAX_SHOWN = 60;

/** What is wrong with the content of a settings file, one line for each key. */
export function fileProblems(error: z.ZodError, content: unknown): readonly string[] {
  const lines = error.issues.flatMap(issue => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => unknownKey(issue.path.map(String), key));
    }
    const [section, key] = issue.path.map(String);
    if (section === undefined) return [`expected an object of settings, got ${shown(content)}`];
    const value = member(content, section);
    if (key === undefined)
      return [
        `${section}: expected ${section === '$schema' ? 'a text' : 'an object of settings'}, got ${shown(value)}`,
      ];
    const known = settingList.find(({ path }) => path === `${section}.${key}`);
    return known === undefined ? [] : [`${known.path}: ${valueProblem(known, issue, member(value, key))}`];
  });
  return [...new Set(lines)];
}

/** What is wrong with a value of one setting. */
export function valueProblem(setting: Setting, issue: z.core.$ZodIssue | undefined, value: unknown): string {
  if (issue?.code === 'custom') return issue.message;
  const unit = setting.unit === undefined ? '' : ` (${setting.unit})`;
  return `expected ${setting.expected}${unit}, got ${shown(value)}`;
}

function unknownKey(parents: readonly string[], key: string): string {
  const path = [...parents, key].join('.');
  const meant = nearest(parents, key);
  return `${path}: there is no such setting; ${meant === undefined ? '`mcp-await config` prints all' : `did you mean \`${meant}\`?`}`;
}

/** The setting or section that was meant, most likely: one that stands there, or in another section. */
function nearest(parents: readonly string[], key: string): string | undefined {
  const [section] = parents;
  const settings = settingList.toSorted(
    (a, b) => Number(b.section === section) - Number(a.section === section),
  );
  const paths = new Map<string, string>();
  if (section === undefined) for (const each of settings) paths.set(each.section, each.section);
  for (const each of settings) if (!paths.has(each.key)) paths.set(each.key, each.path);
  return paths.get(nearestName(key, [...paths.keys()]) ?? '');
}

/** The name that begins with what was written, else the most similar one. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  return names.find(name => name.startsWith(written)) ?? similarName(written, names);
}

function member(value: unknown, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** A value as a message shows it: short, and without secrets. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(maskSecrets(value).slice(0, MAX_SHOWN));
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`.slice(0, MAX_SHOWN);
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
