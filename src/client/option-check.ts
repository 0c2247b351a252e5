import { ConfigurationError } from '../errors.js';

/** What an option may have to be, in words that follow "Expected … to be". */
const checks = {
  'a number from 0 to 1': (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1,
  'a number between 0 and 1': (value: unknown) => typeof value === 'number' && value > 0 && value < 1,
  'a positive number': (value: unknown) => typeof value === 'number' && value > 0,
  'a non-negative number': (value: unknown) => typeof value === 'number' && value >= 0,
  'a positive integer': (value: unknown) =>
    value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) > 0),
  'an integer from 1 to 1000': (value: unknown) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1000,
  'a non-negative integer': (value: unknown) => Number.isInteger(value) && Number(value) >= 0,
  'true or false': (value: unknown) => typeof value === 'boolean',
  '`learned` or `backoff`': (value: unknown) => value === 'learned' || value === 'backoff',
};

export type OptionKind = keyof typeof checks;

/** Options with their defaults. */
export type Resolved<Options> = { readonly [Name in keyof Options]-?: NonNullable<Options[Name]> };

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function checkOption(name: string, value: unknown, kind: OptionKind): void {
  if (!checks[kind](value)) {
    throw new ConfigurationError(`Expected \`${name}\` to be ${kind}, got ${String(value)}`);
  }
}
