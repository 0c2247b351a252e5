import type { z } from 'zod';
import { sections } from './config-schema.js';
import { type RegisteredFacts, settingFacts } from './setting.js';

/** One setting, as everything that lists, reads or explains settings needs it. */
export interface Setting extends RegisteredFacts {
  readonly section: string;
  readonly key: string;
  /** `server.port` */
  readonly path: string;
  /** `MCP_AWAIT_SERVER_PORT` */
  readonly variable: string;
  /** As the end of its key says. */
  readonly unit: 'seconds' | 'milliseconds' | 'bytes' | undefined;
  readonly schema: z.ZodType;
  /** Undefined where it may be left out. */
  readonly default: unknown;
}

/** All settings, in the order of the schema. */
export const settingList: readonly Setting[] = Object.entries(sections).flatMap(([section, shape]) =>
  Object.entries(shape).map(([key, schema]: [string, z.ZodType]) => ({
    ...factsOf(schema),
    section,
    key,
    path: `${section}.${key}`,
    variable: `MCP_AWAIT_${section}_${key.replace(/[A-Z]/g, '_$&')}`.toUpperCase(),
    unit: unitOf(key),
    schema,
    default: schema.parse(undefined),
  })),
);

/** Something about each setting, as an object of sections. */
export function bySection<Value>(
  getValue: (setting: Setting) => Value,
): Record<string, Record<string, Value>> {
  return Object.fromEntries(
    Object.keys(sections).map(section => [
      section,
      Object.fromEntries(
        settingList.filter(each => each.section === section).map(each => [each.key, getValue(each)]),
      ),
    ]),
  );
}

function unitOf(key: string): Setting['unit'] {
  if (key.endsWith('Seconds')) return 'seconds';
  if (key.endsWith('Ms')) return 'milliseconds';
  return key.endsWith('Bytes') ? 'bytes' : undefined;
}

function factsOf(schema: z.ZodType): RegisteredFacts {
  const facts = settingFacts.get(schema);
  if (facts === undefined) throw new TypeError('A setting is made by `setting` or `optionalSetting`.');
  return facts;
}
