import { z } from 'zod';
import { KEY_PREFIX } from '../../engine/engine-defaults.js';
import { parseStoreUrl } from '../../engine/store-url.js';
import { maskSecrets } from './mask-secrets.js';

/** What values a setting takes, and how they are written elsewhere than in a file. */
export interface Kind<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  /** Completes "expected …". */
  readonly expected: string;
  /** What in it is relative to the folder of the settings file. */
  readonly relative?: 'path' | 'store';
}

export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER): Kind<z.ZodNumber> {
  const range =
    maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return { schema: z.int().min(minimum).max(maximum), expected: `a whole number ${range}` };
}

export const positiveNumber: Kind<z.ZodNumber> = {
  schema: z.number().positive(),
  expected: 'a positive number',
};

export function numberFrom(minimum: number, maximum: number): Kind<z.ZodNumber> {
  return { schema: z.number().min(minimum).max(maximum), expected: `a number from ${minimum} to ${maximum}` };
}

export function numberOfAtLeast(minimum: number): Kind<z.ZodNumber> {
  return { schema: z.number().min(minimum), expected: `a number of at least ${minimum}` };
}

/** A limit that may be lifted. */
export function settingOrOff(kind: Kind<z.ZodNumber>): Kind<z.ZodUnion<[z.ZodNumber, z.ZodLiteral<'off'>]>> {
  return { schema: z.union([kind.schema, z.literal('off')]), expected: `${kind.expected}, or "off"` };
}

export const trueOrFalse: Kind<z.ZodBoolean> = { schema: z.boolean(), expected: 'true or false' };

export const text: Kind<z.ZodString> = { schema: z.string().min(1), expected: 'a text that is not empty' };

export const metricsPrefix: Kind<z.ZodString> = {
  schema: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/),
  expected: 'letters, digits and underscores that begin with no digit',
};

export const keyPrefix: Kind<z.ZodString> = {
  schema: z.string().regex(KEY_PREFIX),
  expected: '1 to 48 letters, digits, `_`, `-` or `:`, not colons alone',
};

export const texts: Kind<z.ZodArray<z.ZodString>> = {
  schema: z.array(z.string().min(1)),
  expected: 'a list of texts',
};

export const file: Kind<z.ZodString> = { ...text, expected: 'the path of a file', relative: 'path' };

export const folders: Kind<z.ZodArray<z.ZodString>> = {
  schema: z.array(z.string().min(1)).min(1),
  expected: 'a list of at least one folder',
  relative: 'path',
};

export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return { schema: z.enum(words), expected: words.map(word => `"${word}"`).join(' or ') } satisfies Kind;
}

/** The engine says what is wrong with a URL, for it knows the forms. */
export const storeUrl: Kind<z.ZodString> = {
  schema: z.string().superRefine((url, context) => {
    try {
      parseStoreUrl(url);
    } catch (error) {
      const message = (error as Error).message.replaceAll(url, maskSecrets(url));
      context.addIssue({ code: 'custom', message });
    }
  }),
  expected: 'the URL of a store, as a text',
  relative: 'store',
};

export interface SettingFacts {
  /** One sentence. */
  readonly description: string;
  /** The flag that says the same. */
  readonly flag?: string;
  /** What holds where no default is written, in words. */
  readonly otherwise?: string;
}

export interface RegisteredFacts extends SettingFacts, Omit<Kind, 'schema'> {
  /** How the text of an environment variable becomes a value. */
  readonly form: 'text' | 'number' | 'boolean' | 'list';
}

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
  { schema: kindSchema, ...rest }: Kind,
  facts: SettingFacts,
): Schema {
  const described = schema.describe(facts.description);
  settingFacts.add(described, { ...rest, ...facts, form: formOf(kindSchema) });
  return described;
}

function formOf(schema: z.ZodType): RegisteredFacts['form'] {
  if (schema instanceof z.ZodArray) return 'list';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  return schema instanceof z.ZodString || schema instanceof z.ZodEnum ? 'text' : 'number';
}
