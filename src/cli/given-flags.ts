/** `--token-file` is `tokenFile` among the parsed flags. */
export function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Those of the named flags that a command line gives. */
export function givenFlags(flags: object, names: readonly string[]): readonly string[] {
  return names.filter(name => Reflect.get(flags, attributeOf(name)) !== undefined);
}
