import { valueProblem } from '../../server/config/problems.js';
import { type Setting, settingList } from '../../server/config/setting-list.js';

/** What one source says: values by the paths of their settings, and what is wrong with it. */
export interface Layer {
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

/** The values of a source that names each setting in its own way. */
export function checkedLayer(
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
