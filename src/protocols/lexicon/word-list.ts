/** The words of a list, given by where they are from: public APIs that name their resources or methods so. */
export function wordList(words: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(Object.values(words).flatMap(group => group.split(' ')));
}
