import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSources, sourceFigures } from '../../bench/house/source.js';
import { projectRoot } from './source-files.js';

const figures = sourceFigures(readSources(projectRoot));
const mapStore = readFileSync(new URL('../fixtures/engine/map-store.ts', import.meta.url), 'utf8');
const mapStoreLines = mapStore.split('\n').filter(line => !/^\s*($|\/\/|\/?\*)/.test(line)).length;

const architecture = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

const callScript = fileURLToPath(new URL('../../bench/house/call.js', import.meta.url));
/** Of the built library. */
const call = JSON.parse(execFileSync(process.execPath, [callScript, projectRoot], { encoding: 'utf8' }));

/**
 * What each figure may be, what it was at commit 3c06062 by the same count, and what it should come to. A bound is lowered
 * with the figure, and raised only with a new feature. The goals of one call were set beside another count, by which
 * 3c06062 had 49 files and 202 functions.
 */
const BOUNDS = [
  { figure: 'files', value: figures.files, bound: 487, once: 450, goal: 380 },
  { figure: 'lines of code', value: figures.codeLines, bound: 40_857, once: 25_773, goal: 25_773 },
  { figure: 'files with one importer', value: figures.singleImporter, bound: 135, once: 163, goal: 100 },
  {
    figure: 'small files with one importer',
    value: figures.smallSingleImporter.length,
    bound: 25,
    once: 73,
    goal: 30,
  },
  {
    figure: 'exported names that exist twice',
    value: figures.doubleNames.length,
    bound: 0,
    once: 37,
    goal: 0,
  },
  { figure: 'import cycles', value: figures.importCycles.length, bound: 0, once: 0, goal: 0 },
  { figure: 'files that run for one call', value: call.files.length, bound: 34, once: 68, goal: 30 },
  { figure: 'functions that run for one call', value: call.functions, bound: 163, once: 284, goal: 130 },
  { figure: 'callbacks of a run', value: figures.callbacks?.length, bound: 2, once: 13, goal: 5 },
  {
    figure: "fields of the loop's input",
    value: figures.loopInputFields?.length,
    bound: 7,
    once: 15,
    goal: 8,
  },
  {
    figure: 'fields of the run context',
    value: figures.runContextFields?.length,
    bound: 5,
    once: 18,
    goal: 8,
  },
  { figure: 'methods of a store', value: figures.contractMethods?.length, bound: 8, once: 10, goal: 10 },
  { figure: 'lines of ARCHITECTURE.md', value: architecture.length, bound: 99, goal: 99 },
  {
    figure: 'longest line of ARCHITECTURE.md',
    value: Math.max(...architecture.map(line => line.length)),
    bound: 100,
    goal: 100,
  },
  { figure: 'lines of the smallest engine', value: mapStoreLines, bound: 193, goal: 198 },
  {
    figure: 'lines of the BullMQ engine',
    value: figures.bullmqCodeLines,
    bound: 1589,
    once: 2259,
    goal: 1600,
  },
];

test.each(BOUNDS)('$figure: $value, at most $bound, to become $goal', ({ figure, value, bound }) => {
  expect(value, `${figure}: bench/house/source.js names the type to count`).toBeDefined();
  expect(value, `${figure}: \`node bench/house.js\` lists them`).toBeLessThanOrEqual(bound);
});
