import { UsageError } from './exit-code.js';

/** `--token-file` is `tokenFile` among the parsed flags. */
export function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Those of the named flags that a command line gives. */
export function givenFlags(flags: object, names: readonly string[]): readonly string[] {
  return names.filter(name => Reflect.get(flags, attributeOf(name)) !== undefined);
}

export interface TransportFlags {
  readonly http?: boolean;
  readonly stdio?: boolean;
}

/** @throws UsageError when both are asked for */
export function transportOf({ http, stdio }: TransportFlags): 'http' | 'stdio' | undefined {
  if (http === true && stdio === true) throw new UsageError('Give --http or --stdio, not both.');
  if (http === true) return 'http';
  return stdio === true ? 'stdio' : undefined;
}
