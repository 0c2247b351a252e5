import type { Field } from './field.js';

/** What somebody typed for a field: its value, nothing where the field may stay empty, or what is wrong with it. */
export type Typed =
  | { readonly value: string | number | boolean | string[] }
  | { readonly empty: true }
  | { readonly problem: string };

const YES = new Set(['y', 'yes', 'true', '1']);
const NO = new Set(['n', 'no', 'false', '0']);

/** Reads a line as the value of a field. An empty line means the default. */
export function readField(line: string, field: Field): Typed {
  const text = line.trim();
  if (text === '') return standardOf(field);
  switch (field.kind) {
    case 'text':
      return bounded(text, text.length, field, 'characters');
    case 'integer':
    case 'number':
      return readNumber(text, field);
    case 'yes-no':
      return readYesNo(text);
    case 'one-of': {
      const chosen = choose(text, field);
      return chosen === undefined ? { problem: `Choose one of ${namesOf(field)}.` } : { value: chosen };
    }
    case 'some-of': {
      const chosen = text.split(',').map(part => choose(part.trim(), field));
      const known = chosen.filter(value => value !== undefined);
      return known.length < chosen.length
        ? { problem: `Choose from ${namesOf(field)}, with commas between.` }
        : bounded([...new Set(known)], new Set(known).size, field, 'choices');
    }
  }
}

function standardOf({ standard, isRequired }: Field): Typed {
  const isUsable = ['string', 'number', 'boolean'].includes(typeof standard);
  if (isUsable) return { value: standard as string | number | boolean };
  if (Array.isArray(standard)) return { value: standard.map(String) };
  return isRequired ? { problem: 'This one is needed.' } : { empty: true };
}

function readNumber(text: string, field: Field): Typed {
  const value = Number(text);
  if (!Number.isFinite(value)) return { problem: 'Type a number.' };
  if (field.kind === 'integer' && !Number.isInteger(value)) return { problem: 'Type a whole number.' };
  return bounded(value, value, field, '');
}

function readYesNo(text: string): Typed {
  const word = text.toLowerCase();
  if (YES.has(word)) return { value: true };
  return NO.has(word) ? { value: false } : { problem: 'Type y or n.' };
}

/** By its number in the list, its value or its title. */
function choose(text: string, { choices }: Field): string | undefined {
  const byName = choices.find(
    ({ value, title }) => value === text || title.toLowerCase() === text.toLowerCase(),
  );
  return (byName ?? (/^\d+$/.test(text) ? choices[Number(text) - 1] : undefined))?.value;
}

function namesOf({ choices }: Field): string {
  return choices.map(({ value }) => value).join(', ');
}

function bounded<Value extends string | number | string[]>(
  value: Value,
  size: number,
  { least, most }: Field,
  unit: string,
): Typed {
  if (least !== undefined && size < least) return { problem: `At least ${least} ${unit}`.trim().concat('.') };
  if (most !== undefined && size > most) return { problem: `At most ${most} ${unit}`.trim().concat('.') };
  return { value };
}
