import { readFileSync } from 'node:fs';

const glossary = readFileSync(new URL('../../docs/glossary.md', import.meta.url), 'utf8');

/** Words that no name of ours has, each with the word for its idea: the rows of docs/glossary.md that have a last column. */
const INSTEAD = new Map(
  [...glossary.matchAll(/^\| ([a-z]+) \|.*\| ([a-z, ]+) \|$/gm)].flatMap(([, word, not]) =>
    not.split(', ').map(other => [other, word]),
  ),
);

/** A bound is `MAX_` or `MIN_`, as public options say `max` and `min`. */
const BOUND = /^(MOST|LEAST|LONGEST|SHORTEST|LARGEST)_/;

/** Where a word has another meaning, which the glossary gives. */
const ALLOWED = [{ word: 'places', below: 'src/protocols/' }];

/** What is wrong with the names that a file declares and with its path: `name: say …`, in alphabetical order. */
export function badNames({ path, declared }) {
  const parts = path
    .split('/')
    .slice(1)
    .map(part => part.replace(/\.ts$/, ''));
  return [...new Set([...parts, ...declared])]
    .flatMap(name => badWords(name, path).map(say => `${name}: say ${say}`))
    .sort();
}

function badWords(name, path) {
  const bound = BOUND.test(name) ? ['MAX_ or MIN_'] : [];
  const words = name
    .split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .map(word => word.toLowerCase());
  const isAllowed = word => ALLOWED.some(allowed => allowed.word === word && path.startsWith(allowed.below));
  return [...bound, ...words.filter(word => !isAllowed(word)).flatMap(word => INSTEAD.get(word) ?? [])];
}
