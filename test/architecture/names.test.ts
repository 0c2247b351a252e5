import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSources } from '../../bench/house/source.js';
import { badNames } from '../../bench/house/vocabulary.js';
import { projectRoot } from './source-files.js';

const bad = new Map(
  readSources(projectRoot).flatMap(file => {
    const names = badNames(file);
    return names.length === 0 ? [] : [[file.path, names] as const];
  }),
);

test('every name in src is in the words of docs/glossary.md', () => {
  expect([...bad].map(([path, names]) => `${path}: ${names.join('; ')}`)).toEqual([]);
});

test('the glossary has one row for each word', () => {
  const words = [...readFileSync(join(projectRoot, 'docs/glossary.md'), 'utf8').matchAll(/^\| (\S+) \|/gm)]
    .map(([, word]) => word)
    .filter(word => !/^(word|rule|---)$/.test(word ?? ''));
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

test.each([
  ['MOST_TOOLS', 'MAX_ or MIN_'],
  ['LONGEST_PAUSE_MS', 'MAX_ or MIN_'],
  ['isModernMessage', 'revision'],
  ['EraTransport', 'revision'],
  ['newerSession', 'revision'],
  ['generation', 'revision'],
  ['stateless-endpoint', 'revision'],
  ['isForsaken', 'orphaned'],
  ['LastingTransport', 'reconnecting'],
  ['StoreCare', 'maintenance'],
  ['InputDesk', 'question'],
  ['telling', 'notification'],
  ['freeSlots', 'limiter'],
  ['OwnerTurns', 'limiter'],
  ['ringForNews', 'notification'],
  ['start-places', 'limiter'],
])('%s is against the glossary', (name, say) => {
  expect(badNames({ path: 'src/client/call.ts', declared: [name] })).toEqual([`${name}: say ${say}`]);
});

test.each(['newest', 'replaces', 'returns', 'almost', 'careful'])('%s is not against the glossary', name => {
  expect(badNames({ path: 'src/client/call.ts', declared: [name] })).toEqual([]);
});
