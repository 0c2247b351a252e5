import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { PairProfile } from '../../../src/client/pair-options.js';
import { type Reply, ScriptedServer } from '../../fixtures/client/scripted-server.js';
import { type LiveServer, liveServers, lookAlikes } from '../../fixtures/detection/live-servers.js';
import { resultOf } from '../../fixtures/detection/tool-lists.js';

async function play(server: LiveServer, end: 'done' | 'failed', pairs: readonly PairProfile[] = []) {
  let asked = 0;
  const replies = server.tools.map(({ name }): [string, Reply] => {
    const told = server.states?.[name];
    if (name === server.start) return [name, () => resultOf(server.answer)];
    if (told === undefined) return [name, () => Promise.reject(new Error(`${name} was called`))];
    return [name, () => resultOf(asked++ < 2 ? told.running : told[end])];
  });
  const scripted = await ScriptedServer.connect(Object.fromEntries(replies), {
    definitions: Object.fromEntries(server.tools.map(tool => [tool.name, tool])),
  });
  const client = new AwaitClient(scripted.client, { initialIntervalMs: 1, maxAttempts: 10, pairs });
  const result = await client
    .callTool({ name: server.start, arguments: { ...server.arguments } })
    .catch((error: unknown) => ({ isError: true, thrown: String(error) }));
  await client.close();
  return { result, calls: scripted.calls.map(({ tool }) => tool) };
}

const isRight = (result: unknown, end: 'done' | 'failed') => {
  const { isError } = result as { isError?: boolean };
  const said = JSON.stringify(result);
  return end === 'done'
    ? isError !== true && said.includes('FINAL')
    : isError === true && said.includes('BROKEN');
};

describe.each(liveServers.map(server => [server.name, server] as const))(
  'the pair of %s',
  (_name, server) => {
    test.each(['done', 'failed'] as const)('is found, and told when it is %s', async end => {
      const { result, calls } = await play(server, end);
      expect(isRight(result, end), JSON.stringify(result)).toBe(true);
      expect(calls.filter(name => name === server.start)).toHaveLength(1);
      expect(calls.filter(name => /cancel|stop|update|delete/i.test(name))).toEqual([]);
    });
  },
);

test.each(lookAlikes.map(server => [server.name, server] as const))(
  'the tools of %s only look like a pair',
  async (_name, server) => {
    const { result, calls } = await play(server, 'done');
    expect(result).toEqual(resultOf(server.answer));
    expect(calls).toEqual([server.start]);
  },
);
