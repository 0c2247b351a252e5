import { closestMatch } from 'leven';

/** What somebody may have meant who wrote a name that there is not; undefined where none is similar. */
export function similarName(written: string, names: readonly string[]): string | undefined {
  // Two letters that change places are two steps.
  const least = written.length > 3 ? 2 : 1;
  return closestMatch(written, [...names], { maxDistance: Math.max(least, Math.floor(written.length / 3)) });
}
