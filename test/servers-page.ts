import { z } from 'zod';
import { type Pair, pairProfileSchema } from '../src/protocols/pair/profile.js';
import { builtInPairs, namedPairs } from '../src/protocols/pairs/index.js';
import { startTools } from '../src/protocols/tool-definition.js';

/** The rows of docs/start-status-pairs.md that follow from the code. */
export const profileRows = [...builtInPairs, ...namedPairs].map((pair: Pair) => [
  `\`${pair.name}\` ${pair.version}`,
  pair.source ?? '',
  startsOf(pair),
  `\`${pair.status.tool}\``,
  pair.cancel === undefined ? '' : `\`${pair.cancel.tool}\``,
  pair.result === undefined ? 'the status answer' : `\`${pair.result.tool}\``,
  namedPairs.includes(pair) ? 'when named' : 'by itself',
]);

/** Every field of a profile, with its sentence. */
export const fieldRows = rowsOf(pairProfileSchema, '');

function startsOf(pair: Pair): string {
  const [first, ...others] = startTools(pair);
  return `\`${first}\`${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function rowsOf(schema: z.ZodType, path: string): string[][] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, field]) => {
    const name = path + key;
    const isOptional = field.safeParse(undefined).success;
    return [[`\`${name}\``, isOptional ? '' : 'yes', field.description ?? ''], ...rowsOf(field, `${name}.`)];
  });
}

function unwrapped(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { readonly innerType?: z.ZodType };
  return innerType === undefined ? schema : unwrapped(innerType);
}
