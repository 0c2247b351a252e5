// `node bench/house.js [--root DIR] [--json]`: the size of the house in figures. DIR is another checkout, built, whose
// packages are installed; so one commit is compared with another by the same means.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSources, sourceFigures } from './house/source.js';
import { badNames } from './house/vocabulary.js';
import { printTable } from './measure.js';

const { values } = parseArgs({
  options: { root: { type: 'string', default: '.' }, json: { type: 'boolean', default: false } },
});
const root = resolve(values.root);

const files = readSources(root);
const source = sourceFigures(files);
const vocabulary = files
  .map(file => ({ path: file.path, names: badNames(file) }))
  .filter(({ names }) => names.length > 0);
const callScript = fileURLToPath(new URL('house/call.js', import.meta.url));
const call = JSON.parse(execFileSync(process.execPath, [callScript, root], { encoding: 'utf8' }));

if (values.json) console.log(JSON.stringify({ ...source, vocabulary, call }, undefined, 2));
else print();

function print() {
  const count = list => list?.length ?? 'none found';
  printTable(
    'The house in figures',
    ['figure', 'value'],
    [
      ['files in src', source.files],
      ['lines of code, without comments and blanks', source.codeLines],
      ['median file, lines', source.medianLines],
      ['largest file, lines', `${source.largest.lines} (${source.largest.path})`],
      ['files with one importer', source.singleImporter],
      ['of these, under 40 lines of code', source.smallSingleImporter.length],
      ['exported names that exist twice', source.doubleNames.length],
      ['import cycles', source.importCycles.length],
      ['files that run for one `callTool` over a pair', call.files.length],
      ['functions that run for it', call.functions],
      ['callbacks that the run of a call hands out', count(source.callbacks)],
      ["fields of the loop's input", count(source.loopInputFields)],
      ['fields of the run context', count(source.runContextFields)],
      ['methods of the contract of a store', count(source.contractMethods)],
      ['BullMQ engine, lines of code', source.bullmqCodeLines],
      ['SQLite engine, lines of code', source.sqliteCodeLines],
      ['names against the glossary', vocabulary.reduce((sum, { names }) => sum + names.length, 0)],
      ['files with such names', vocabulary.length],
    ],
  );
  printList(
    'Exported names that exist twice',
    source.doubleNames.map(({ name, paths }) => `${name}: ${paths.join(', ')}`),
  );
  printList('Files with one importer and under 40 lines of code', source.smallSingleImporter);
  printList(
    'Names against the glossary',
    vocabulary.map(({ path, names }) => `${path}: ${names.join('; ')}`),
  );
  printList(
    'Files that run for one `callTool`',
    call.files.map(({ path, functions }) => `${path}: ${functions}`),
  );
}

function printList(title, lines) {
  console.log(`\n### ${title}\n\n${lines.map(line => `* ${line}\n`).join('')}`);
}
