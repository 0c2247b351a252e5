import { readdirSync, readFileSync } from 'node:fs';

/** What a tier of tests needs beyond Node and our own code, and which files are in it. All others are unit tests. */
export const tiers = {
  /** Redis and PostgreSQL servers that the tests start, processes that are killed, and outages that take their time. */
  services: [
    'test/engine/bullmq/**/*.test.ts',
    'test/engine/dynamodb/**/*.test.ts',
    'test/engine/sqlite/processes.test.ts',
    'test/server/asking-processes.test.ts',
    'test/server/webhooks/restart.test.ts',
    'test/client/faults/{each-stage,random-faults}.test.ts',
    'test/cli/{answer-memory,completion,fronts-and-workers,idempotency,journal-crash,kept-server,reconnect,serve,sign-in,stats-on-servers,store-faults,store-refusals,terminal,watching,webhooks,worker}.test.ts',
    'test/cli/load/load.test.ts',
    'test/packaging/compose.test.ts',
    'test/torture/torture.test.ts',
    'test/services/{aws,postgres}.test.ts',
    'test/engine/dynamodb/create-store.test.ts',
  ],
  /** A browser, peers of others from npm, agent frameworks, hosts, the packed library, other versions of Node, and what computes for a minute. */
  world: [
    'test/architecture/regular-expressions.test.ts',
    'test/package.test.ts',
    'test/packaging/published-files.test.ts',
    'test/release.test.ts',
    'test/newer-node.test.ts',
    'test/conformance/**/*.test.ts',
    'test/interop/**/*.test.ts',
    'test/integrations/**/*.test.ts',
    'test/proxy/{conformance,hosts,native-tasks,newer-tasks,pass-through,proxy-stdio}.test.ts',
    'test/hosts/*.test.ts',
    'test/server/task-page/browser.test.ts',
  ],
} as const;

/** The files of these tiers that take longest, the longest first, as `.ci/run` names them at its end. */
export const longest: readonly string[] = [
  'test/cli/store-faults.test.ts',
  'test/engine/dynamodb/conformance.test.ts',
  'test/engine/bullmq/conformance.test.ts',
  'test/cli/fronts-and-workers.test.ts',
  'test/cli/load/load.test.ts',
  'test/torture/torture.test.ts',
  'test/cli/answer-memory.test.ts',
  'test/cli/serve.test.ts',
  'test/server/asking-processes.test.ts',
  'test/integrations/frameworks-document.test.ts',
  'test/architecture/regular-expressions.test.ts',
  'test/hosts/hosts.test.ts',
  'test/newer-node.test.ts',
  'test/proxy/hosts.test.ts',
  'test/packaging/published-files.test.ts',
  'test/release.test.ts',
  'test/conformance/client.test.ts',
  'test/conformance/command-line.test.ts',
];

/** Unit tests with a process for each file: they replace a module for all that load it, or measure memory. */
export const alone: readonly string[] = ['test/client/http/streams.test.ts', 'test/attacks/*.test.ts'];

/**
 * Tests whose clock is their own, and which may look at what is left on it. Those that run in real time share no process
 * with them: what a client of these does after its test would be on that clock.
 */
export const onFakeTime: readonly string[] = readdirSync(new URL('.', import.meta.url), { recursive: true })
  .map(name => `test/${String(name).replaceAll('\\', '/')}`)
  .filter(
    file =>
      file.endsWith('.test.ts') &&
      readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').includes('useFakeTimers'),
  );
