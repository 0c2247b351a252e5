import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  /** Paths of the files of ours that it imports, `import type` and `import()` included. */
  readonly imports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s)?(?:[\w\s{}*,$]*\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'\s*\)/g;

function readSource(file: string): SourceFile {
  const path = relative(projectRoot, file).split(sep).join('/');
  const text = readFileSync(file, 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$/gm, '');
  const imports: string[] = [];
  for (const [, specifier = '', lazy = ''] of code.matchAll(IMPORT)) {
    const target = specifier || lazy;
    if (!target.startsWith('.')) continue;
    const imported = posix.join(dirname(path), target).replace(/\.js$/, '.ts');
    imports.push(imported);
  }
  return { path, text, code, imports };
}

/** Every TypeScript file of `src`. */
export function sourceFiles(): SourceFile[] {
  return readdirSync(join(projectRoot, 'src'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => readSource(join(entry.parentPath, entry.name)));
}
