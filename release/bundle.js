// Puts what the commands of the client side load into a few files in dist/command: Node takes a millisecond for each module,
// and `mcp-await run` would load 440. What serves, and the library itself, stay as tsc has made them.
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
/** Commands that load the server or all of the tools of an operator. */
const APART =
  /\/cli\/(serve|worker|proxy|load\/load|doctor\/doctor|install\/install|store|stats|tasks|config)\.js$/;

/** Leaves the imports of these commands as they are. */
const apart = {
  name: 'apart',
  async resolveId(source, importer, { kind }) {
    if (kind !== 'dynamic-import' || !source.startsWith('.')) return null;
    const target = await this.resolve(source, importer, { skipSelf: true, kind });
    if (target === null || !APART.test(target.id)) return null;
    return { id: `../${relative(DIST, target.id)}`, external: 'absolute' };
  },
};

const REQUIRE = /^import \{ createRequire \} from "node:module";\n([\s\S]*?)^var __require = .*$/m;
const BUILTIN = /^import (?:(?:\* as )?([\w$]+)(?:, )?)?(\{[^}]*\})? from "(node:[^"]+)";$/gm;

/**
 * Takes the modules of Node as they are: an import reads everything that they export, and some of that loads further modules.
 * `require`, for packages in CommonJS, is made at its first use.
 */
const builtins = {
  name: 'builtins',
  renderChunk: code =>
    code
      .replace(
        REQUIRE,
        '$1var __require = id => process.getBuiltinModule("node:module").createRequire(import.meta.url)(id);',
      )
      .replace(BUILTIN, (_line, whole, named, module) =>
        [whole, named?.replaceAll(' as ', ': ')]
          .filter(taken => taken !== undefined)
          .map(taken => `const ${taken} = process.getBuiltinModule("${module}");`)
          .join(' '),
      ),
};

rmSync(`${DIST}command`, { recursive: true, force: true });
const bundle = await rolldown({
  input: `${DIST}cli/main.js`,
  platform: 'node',
  // Packages with a main for CommonJS have another for bundlers.
  resolve: { mainFields: ['module', 'main'] },
  external: [/^node:/, /^(libsql|mcp-await-libsql|undici|bullmq|ioredis|pg)$/, /^@(aws-sdk|opentelemetry)\//],
  plugins: [apart, builtins],
  checks: { ineffectiveDynamicImport: false },
});
await bundle.write({
  dir: `${DIST}command`,
  format: 'esm',
  // Stack traces have the names of functions and classes.
  minify: {
    compress: true,
    mangle: { toplevel: false, keepNames: { function: true, class: true } },
    codegen: { removeWhitespace: true },
  },
  codeSplitting: {
    groups: [
      { name: 'main', test: /\/cli\/main\.js$/, priority: 5 },
      { name: 'jobs', test: /\/cli\/(list|status|forget|end-line)\.js$|\/journal-file\.js$/, priority: 4 },
      { name: 'program', test: /\/cli\/(program|wait)\.js$/, priority: 3 },
      {
        name: 'client',
        test: /\/cli\/(run|tools|with-client|await-job|keep-server)\.js$|\/await-client\.js$/,
        priority: 1,
      },
    ],
  },
});
await bundle.close();
