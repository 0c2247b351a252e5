import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { defaultWaitOptions, waitOptions } from '../../src/client/options.js';
import * as library from '../../src/index.js';
import { VERSION } from '../../src/version.js';
import { projectRoot } from './source-files.js';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

test('the version is that of package.json', () => {
  expect(VERSION).toBe(JSON.parse(read('package.json')).version);
});

test('the library exports exactly what it promises', () => {
  expect(Object.keys(library).sort()).toEqual([
    'AuthorizationError',
    'AwaitAbortedError',
    'AwaitClient',
    'AwaitDetachedError',
    'AwaitError',
    'AwaitTimeoutError',
    'CircuitOpenError',
    'ConfigurationError',
    'InputRequiredError',
    'NotSupportedError',
    'OutcomeUnknownError',
    'ProtocolViolationError',
    'ServerUnavailableError',
    'StatusCheckError',
    'TaskNotFoundError',
    'isAwaitError',
  ]);
});

test('the library exports exactly the types that it promises', () => {
  const exported = [...read('src/index.ts').matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(
    ([, isType, names = '']) =>
      names
        .split(',')
        .map(name => name.trim())
        .filter(name => name !== '' && (isType !== undefined || name.startsWith('type ')))
        .map(name => name.replace(/^type /, '')),
  );
  expect(exported.sort()).toEqual([
    'AgentTool',
    'AskedQuestion',
    'AwaitClientOptions',
    'AwaitErrorCode',
    'AwaitEvent',
    'BackgroundResult',
    'CallOptions',
    'CircuitBreakerOptions',
    'ClientStats',
    'ConnectOptions',
    'ConnectTarget',
    'HttpTarget',
    'InputAnswer',
    'InputHandler',
    'InputQuestion',
    'JournalOptions',
    'Outcome',
    'PairOptions',
    'PairProfile',
    'Progress',
    'SdkCallOptions',
    'ServerTarget',
    'Snapshot',
    'StdioTarget',
    'TaskError',
    'TaskHandle',
    'TaskReference',
    'TaskStatus',
    'TimeoutBudget',
    'ToolCall',
    'ToolExplanation',
    'ToolsOptions',
    'WaitOptions',
  ]);
});

test('every error has a name of its own, a code of its own and says so in its class', () => {
  const {
    AwaitClient: _client,
    AwaitError,
    AwaitTimeoutError,
    CircuitOpenError,
    StatusCheckError,
    isAwaitError: _guard,
    ...plain
  } = library;
  const errors = [
    new AwaitTimeoutError('x', { budget: 'deadline' }),
    new CircuitOpenError('x', { retryAt: '2026-11-21T10:00:00.000Z' }),
    new StatusCheckError('x', { retryable: true }),
    ...Object.values(plain).map(PlainError => new PlainError('x', { tool: 'greet', cause: 'why' })),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(AwaitError);
    expect(error.name).toBe(error.constructor.name);
    expect(error.code).toMatch(/^[A-Z_]+$/);
  }
  expect(new Set(errors.map(error => error.code)).size).toBe(errors.length);
  expect(errors.at(-1)).toMatchObject({ tool: 'greet', cause: 'why' });
});

describe('every wait option', () => {
  const declared =
    /export interface WaitOptions \{([\s\S]*?)\n\}/.exec(read('src/client/options.ts'))?.[1] ?? '';
  const documented = [
    ...declared.matchAll(/\/\*\*\s*(.*?)\s*@default (\S+)\s*\*\/\s*readonly (\w+)\?:/g),
  ].map(([, sentence = '', value = '', name = '']) => ({ sentence, value, name }));

  test('is declared, documented and listed in the table of defaults', () => {
    expect(documented.map(option => option.name)).toEqual(Object.keys(waitOptions));
    expect(declared.match(/readonly/g)).toHaveLength(documented.length);
  });

  test.each(documented)(
    '`$name` is described by a sentence and has the default $value',
    ({ name, sentence, value }) => {
      expect(sentence).toMatch(/^[A-Z].*[.!]$/);
      expect(String(defaultWaitOptions[name as keyof typeof waitOptions])).toBe(value);
    },
  );
});

describe('the built package', () => {
  beforeAll(() => {
    if (!existsSync(join(projectRoot, 'dist/index.js')))
      throw new Error('These tests need `npm run build`, which `npm test` runs first.');
  });

  /** The files that a fresh process loads to import `entry`, as V8 tells them for its coverage report. */
  function loadedBy(entry: string): string[] {
    const directory = mkdtempSync(join(tmpdir(), 'mcp-await-loaded-'));
    const url = pathToFileURL(join(projectRoot, entry)).href;
    execFileSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(url)})`], {
      env: { ...process.env, NODE_V8_COVERAGE: directory },
      timeout: 20_000,
    });
    const reports = readdirSync(directory).map(name =>
      JSON.parse(readFileSync(join(directory, name), 'utf8')),
    );
    rmSync(directory, { recursive: true });
    return reports.flatMap(report => report.result.map((script: { url: string }) => script.url));
  }

  test('is imported without the database, the server and the command line, and lets the process end', () => {
    const loaded = loadedBy('dist/index.js');
    expect(loaded.some(url => url.endsWith('/dist/client/await-client.js'))).toBe(true);
    expect(
      loaded.filter(url =>
        /\/node_modules\/(@?libsql|bullmq|commander)\/|\/dist\/(server|engine|cli)\//.test(url),
      ),
    ).toEqual([]);
  });

  const FRAMEWORKS: Readonly<Record<string, RegExp>> = {
    langchain: /\/node_modules\/(@langchain\/|langsmith\/)/,
    'ai-sdk': /\/node_modules\/(ai|@ai-sdk)\//,
    'openai-agents': /\/node_modules\/(@openai|openai)\//,
    strands: /\/node_modules\/@strands-agents\//,
  };
  const frameworksIn = (urls: readonly string[]) =>
    Object.keys(FRAMEWORKS).filter(name => urls.some(url => FRAMEWORKS[name]?.test(url)));

  test('loads no agent framework, with the library and with the server', () => {
    expect(frameworksIn([...loadedBy('dist/index.js'), ...loadedBy('dist/server/index.js')])).toEqual([]);
  });

  test.each(Object.keys(FRAMEWORKS))('loads with the subpath `%s` no framework but that', name => {
    const others = frameworksIn(loadedBy(`dist/integrations/${name}.js`)).filter(other => other !== name);
    expect(others).toEqual([]);
  });

  test('loads what renders metrics only with a server that can be scraped', () => {
    const loaded = loadedBy('dist/server/index.js');
    expect(loaded.some(url => url.endsWith('/dist/server/start-server.js'))).toBe(true);
    expect(loaded.filter(url => /prom-client/.test(url))).toEqual([]);
  });
});
