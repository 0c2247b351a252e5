import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentTools } from '../src/client/agent/agent-tools.js';
import { AwaitClient } from '../src/index.js';
import { defineOperation, startServer, startWorker } from '../src/server/index.js';

const sdkClient = () => new Client({ name: 'test', version: '1' });
/** As JavaScript calls it, which hears nothing of types. */
// biome-ignore lint/suspicious/noExplicitAny: whatever JavaScript gives
const given = (options: object): any => options;
const operation = { name: 'work', description: 'Works.', input: z.object({}), run: async () => 1 };
const operations = [defineOperation(operation)];
const source = given({ explainTools: async () => [] });
const target = { command: process.execPath };

describe('an option that there is not is refused with the nearest name', () => {
  it.each<[string, () => unknown, string]>([
    [
      'AwaitClient',
      async () => new AwaitClient(sdkClient(), given({ deadlinMs: 1 })),
      '`AwaitClient` has no option `deadlinMs`. Did you mean `deadlineMs`?',
    ],
    [
      'connect',
      () => AwaitClient.connect(target, given({ conectTimeoutMs: 1 })),
      '`AwaitClient.connect` has no option `conectTimeoutMs`. Did you mean `connectTimeoutMs`?',
    ],
    [
      'a target over HTTP',
      () => AwaitClient.connect(given({ url: 'http://127.0.0.1:1/mcp', header: {} })),
      'A target with `url` has no option `header`. Did you mean `headers`?',
    ],
    [
      'a target over stdio',
      () => AwaitClient.connect(given({ ...target, arg: [] })),
      'A target with `command` has no option `arg`. Did you mean `args`?',
    ],
    [
      'the journal',
      async () => new AwaitClient(sdkClient(), { journal: given({ fil: 'x' }) }),
      '`journal` has no option `fil`. Did you mean `file`?',
    ],
    [
      'the circuit breaker',
      () => AwaitClient.connect(target, { circuitBreaker: given({ openMS: 1 }) }),
      '`circuitBreaker` has no option `openMS`. Did you mean `openMs`?',
    ],
    [
      'callTool',
      () => new AwaitClient(sdkClient()).callTool({ name: 'x' }, undefined, given({ idempotenceKey: 'a' })),
      'A call has no option `idempotenceKey`. Did you mean `idempotencyKey`?',
    ],
    [
      'startTool',
      () => new AwaitClient(sdkClient()).startTool({ name: 'x' }, given({ onUpdat() {} })),
      'A call has no option `onUpdat`. Did you mean `onUpdate`?',
    ],
    [
      'tools',
      () => agentTools(source, given({ backgroud: true })),
      '`tools` has no option `backgroud`. Did you mean `background`?',
    ],
    [
      'defineOperation',
      async () => defineOperation({ ...operation, ...given({ slaSecond: 1 }) }),
      'An operation has no option `slaSecond`. Did you mean `slaSeconds`?',
    ],
    [
      'startServer',
      () => startServer({ operations, ...given({ concurency: 1 }) }),
      '`startServer` has no option `concurency`. Did you mean `concurrency`?',
    ],
    [
      'startServer over HTTP',
      () => startServer({ operations, http: given({ prot: 1 }) }),
      '`http` has no option `prot`. Did you mean `port`?',
    ],
    [
      'startWorker',
      () => startWorker({ operations, ...given({ leaseSecond: 1 }) }),
      '`startWorker` has no option `leaseSecond`. Did you mean `leaseSeconds`?',
    ],
    [
      'webhooks',
      () => startServer({ operations, store: 'memory:', webhooks: given({ secrets: 'x' }) }),
      '`webhooks` has no option `secrets`. Did you mean `secret`?',
    ],
    [
      'observability',
      () => startServer({ operations, store: 'memory:', observability: given({ loglevel: 'x' }) }),
      '`observability` has no option `loglevel`. Did you mean `logLevel`?',
    ],
    [
      'a name that is like none',
      () => agentTools(source, given({ retries: 1 })),
      '`tools` has no option `retries`. Its options are background, onResult.',
    ],
  ])('%s', async (_where, use, message) => {
    await expect(use()).rejects.toMatchObject({ code: 'CONFIGURATION', message });
  });

  it('takes one whose value is undefined as absent', async () => {
    expect(await agentTools(source, given({ retries: undefined }))).toEqual([]);
  });
});
