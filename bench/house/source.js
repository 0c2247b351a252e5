// What the sources say of themselves: read as the TypeScript parser reads them, without their types.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import {
  isArrowFunction,
  isCallExpression,
  isClassDeclaration,
  isExportDeclaration,
  isFunctionExpression,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isMethodSignatureDeclaration,
  isNewExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertySignatureDeclaration,
  isStringLiteral,
  isTypeAliasDeclaration,
  isVariableStatement,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

/** A file of code whose only importer could hold it. */
const SMALL_LINES = 40;

/** The types whose size is counted; of several names, the first that is declared below `src`. */
const COUNTED = {
  run: { names: ['CallRun', 'TaskRun'], below: 'src/client/' },
  loopInput: { names: ['Wait'], below: 'src/client/' },
  runContext: { names: ['RunContext'], below: 'src/client/' },
  contract: { names: ['WorkerStore', 'Engine'], below: 'src/engine/' },
};

/** Promises and arrays call a function at once, or of themselves: nobody comes back by it. */
const OF_THE_LANGUAGE = new Set(
  [
    'then catch finally map filter flatMap some every find findLast findIndex forEach reduce sort toSorted race all'.split(
      ' ',
    ),
  ].flat(),
);

/** Every source file of the checkout at `root`, parsed. */
export function readSources(root) {
  const paths = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => join(entry.parentPath, entry.name));
  const config = join(root, 'tsconfig.house.json');
  const compilerOptions = { noLib: true, noResolve: true, types: [], target: 'es2023' };
  const fs = {
    readFile: file => (file === config ? JSON.stringify({ compilerOptions, files: paths }) : undefined),
    fileExists: file => (file === config ? true : undefined),
  };
  const api = new API({ cwd: root, fs });
  try {
    const { program } = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    return paths.map(path =>
      describeFile(posix.relative(root, path), program.getSourceFile(path), readFileSync(path, 'utf8')),
    );
  } finally {
    api.close();
  }
}

function describeFile(path, tree, text) {
  const imports = new Set();
  const declared = new Set();
  const literals = [];
  walk(tree, node => {
    const specifier = importedBy(node);
    if (specifier?.startsWith('.')) imports.add(posix.join(dirname(path), specifier).replace(/\.js$/, '.ts'));
    if (isLiteral(node)) literals.push([node.getStart(tree), node.getEnd()]);
    if (node.name !== undefined && isIdentifierLike(node.name))
      declared.add(node.name.text.replace(/^#/, ''));
  });
  return {
    path,
    tree,
    text,
    imports: [...imports],
    declared: [...declared],
    exported: exportedNames(tree),
    codeLines: codeLines(text, literals),
  };
}

function walk(node, visit) {
  visit(node);
  node.forEachChild(child => walk(child, visit));
}

const isIdentifierLike = node => isIdentifier(node) || node.kind === SyntaxKind.PrivateIdentifier;

const isLiteral = ({ kind }) =>
  kind === SyntaxKind.StringLiteral ||
  kind === SyntaxKind.RegularExpressionLiteral ||
  kind === SyntaxKind.NoSubstitutionTemplateLiteral ||
  kind === SyntaxKind.TemplateHead ||
  kind === SyntaxKind.TemplateMiddle ||
  kind === SyntaxKind.TemplateTail;

function importedBy(node) {
  if (isImportDeclaration(node) || isExportDeclaration(node)) return node.moduleSpecifier?.text;
  if (!isCallExpression(node) || node.expression.kind !== SyntaxKind.ImportKeyword) return undefined;
  const [target] = node.arguments;
  return target !== undefined && isStringLiteral(target) ? target.text : undefined;
}

/** Names that the file declares and exports; what it passes on from another file is that file's. */
function exportedNames(tree) {
  const names = new Set();
  for (const statement of tree.statements) {
    if (isExportDeclaration(statement) && statement.moduleSpecifier === undefined)
      for (const { name } of statement.exportClause?.elements ?? []) names.add(name.text);
    if (!statement.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) continue;
    const declarations = isVariableStatement(statement)
      ? statement.declarationList.declarations
      : [statement];
    for (const { name } of declarations) if (name !== undefined && isIdentifier(name)) names.add(name.text);
  }
  return [...names];
}

/** How many lines hold more than blanks and comments. */
function codeLines(text, literals) {
  let code = text;
  for (const [start, end] of literals)
    code = code.slice(0, start) + code.slice(start, end).replace(/\S/g, 'x') + code.slice(end);
  return code
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, comment => comment.replace(/\S/g, ' '))
    .split('\n')
    .filter(line => line.trim() !== '').length;
}

/** What is counted without running anything. */
export function sourceFigures(files) {
  const importers = grouped(files.flatMap(file => file.imports.map(target => [target, file.path])));
  const single = files.filter(({ path }) => importers.get(path)?.length === 1);
  const lengths = files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .sort((a, b) => a.lines - b.lines);
  const typeOf = Object.fromEntries(
    Object.entries(COUNTED).map(([key, wanted]) => [key, findType(files, wanted)]),
  );
  const codeBelow = folder =>
    sum(files.filter(({ path }) => path.startsWith(folder)).map(file => file.codeLines));
  return {
    files: files.length,
    codeLines: codeBelow('src/'),
    medianLines: lengths[Math.floor(lengths.length / 2)].lines,
    largest: lengths.at(-1),
    singleImporter: single.length,
    smallSingleImporter: single.filter(({ codeLines }) => codeLines < SMALL_LINES).map(({ path }) => path),
    doubleNames: doubleNames(files),
    importCycles: importCycles(files),
    callbacks: typeOf.run && callbacksIn(typeOf.run.file.tree),
    loopInputFields: fieldsOf(typeOf.loopInput),
    runContextFields: fieldsOf(typeOf.runContext),
    contractMethods: methodsOf(typeOf.contract),
    bullmqCodeLines: codeBelow('src/engine/bullmq/'),
    sqliteCodeLines: codeBelow('src/engine/sqlite/'),
  };
}

function grouped(pairs) {
  const groups = new Map();
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}

const sum = numbers => numbers.reduce((total, number) => total + number, 0);

/** Names that several files export, each with those files. */
function doubleNames(files) {
  const byName = grouped(files.flatMap(file => file.exported.map(name => [name, file.path])));
  return [...byName].filter(([, paths]) => paths.length > 1).map(([name, paths]) => ({ name, paths }));
}

function importCycles(files) {
  const byPath = new Map(files.map(file => [file.path, file]));
  const done = new Set();
  const cycles = [];
  const visit = (file, trail) => {
    const at = trail.indexOf(file.path);
    if (at >= 0) cycles.push([...trail.slice(at), file.path].join(' -> '));
    if (at >= 0 || done.has(file.path)) return;
    for (const target of file.imports)
      if (byPath.has(target)) visit(byPath.get(target), [...trail, file.path]);
    done.add(file.path);
  };
  for (const file of files) visit(file, []);
  return cycles;
}

function findType(files, { names, below }) {
  for (const name of names)
    for (const file of files.filter(({ path }) => path.startsWith(below))) {
      const node = file.tree.statements.find(
        statement =>
          (isInterfaceDeclaration(statement) ||
            isClassDeclaration(statement) ||
            isTypeAliasDeclaration(statement)) &&
          statement.name?.text === name,
      );
      if (node !== undefined) return { node, file };
    }
  return undefined;
}

const fieldsOf = found =>
  found?.node.members.filter(isPropertySignatureDeclaration).map(({ name }) => name.text);

const methodsOf = found =>
  found?.node.members.filter(isMethodSignatureDeclaration).map(({ name }) => name.text);

/** Functions that the file hands to others, which call it back by them; each by where it goes. */
function callbacksIn(tree) {
  const found = [];
  walk(tree, node => {
    if (!isArrowFunction(node) && !isFunctionExpression(node)) return;
    const { parent } = node;
    if (isPropertyAssignment(parent)) return found.push(parent.name.text);
    const isArgument = (isCallExpression(parent) || isNewExpression(parent)) && parent.expression !== node;
    if (!isArgument) return;
    const { expression } = parent;
    const callee = isPropertyAccessExpression(expression) ? expression.name.text : expression.text;
    if (callee !== 'onDispose' && !OF_THE_LANGUAGE.has(callee)) found.push(callee);
  });
  return found;
}
