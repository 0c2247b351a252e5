import type { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { shown } from './problems.js';
import { settingFacts } from './setting.js';

type Values<Shape> = { readonly [Name in keyof Shape]: z.output<Shape[Name]> };

/**
 * What options that are settings, too, come to: what is given, else the setting's default.
 * @param settings the setting of each option, by the option's name
 * @param within what the options are written in, such as `observability.`
 * @throws ConfigurationError that names the option, what it must be and what it is
 */
export function settingValues<const Shape extends Readonly<Record<string, z.ZodType>>>(
  settings: Shape,
  options: { readonly [Name in keyof Shape]?: unknown },
  within = '',
): Values<Shape> {
  const values = Object.entries(settings).map(([name, schema]) => {
    const value = options[name];
    const { success, data } = schema.safeParse(value);
    if (success) return [name, data];
    const expected = settingFacts.get(schema)?.expected;
    throw new ConfigurationError(`Expected \`${within}${name}\` to be ${expected}, got ${shown(value)}`);
  });
  return Object.fromEntries(values);
}
