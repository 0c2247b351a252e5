import { z } from 'zod';
import type { Kind } from './kinds.js';

export interface SettingFacts {
  /** One sentence. */
  readonly description: string;
  readonly unit?: 'seconds' | 'milliseconds' | 'bytes';
  /** The flag that says the same. */
  readonly flag?: string;
  /** What holds where no default is written, in words. */
  readonly otherwise?: string;
}

export type RegisteredFacts = SettingFacts & Omit<Kind, 'schema'>;

/** What is known of each setting besides its schema. */
export const settingFacts = z.registry<RegisteredFacts>();

/** A setting with a default. */
export function setting<Schema extends z.ZodType>(
  kind: Kind<Schema>,
  defaultValue: z.output<Schema> & z.core.util.NoUndefined<z.output<Schema>>,
  facts: SettingFacts,
): z.ZodDefault<Schema> {
  return register(z._default(kind.schema, defaultValue) as z.ZodDefault<Schema>, kind, facts);
}

/** A setting that may be left out. */
export function optionalSetting<Schema extends z.ZodType>(
  kind: Kind<Schema>,
  facts: SettingFacts,
): z.ZodOptional<Schema> {
  return register(z.optional(kind.schema), kind, facts);
}

function register<Schema extends z.ZodType>(
  schema: Schema,
  { schema: _, ...rest }: Kind,
  facts: SettingFacts,
): Schema {
  const described = schema.describe(facts.description);
  settingFacts.add(described, { ...rest, ...facts });
  return described;
}
