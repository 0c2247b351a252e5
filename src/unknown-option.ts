import { ConfigurationError } from './errors.js';
import { similarName } from './similar-name.js';

/** Every option of a type of options by its name: the compiler asks for each. */
export type OptionNames<Options> = Readonly<Record<Extract<keyof Options, string>, unknown>>;

/**
 * JavaScript hears of a misspelled option as TypeScript does. One whose value is undefined is as good as absent.
 * @param owner what takes the options, at the start of a sentence
 * @throws ConfigurationError that names the option and the nearest one that there is
 */
export function refuseUnknownOptions(
  owner: string,
  options: unknown,
  known: Readonly<Record<string, unknown>>,
): void {
  if (typeof options !== 'object' || options === null) return;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const names = Object.keys(known);
    const nearest = similarName(name, names);
    throw new ConfigurationError(
      nearest === undefined
        ? `${owner} has no option \`${name}\`. Its options are ${names.toSorted().join(', ')}.`
        : `${owner} has no option \`${name}\`. Did you mean \`${nearest}\`?`,
    );
  }
}
