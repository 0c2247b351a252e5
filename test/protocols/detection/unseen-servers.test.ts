import { describe, expect, test } from 'vitest';
import type { LiveServer } from '../../fixtures/detection/live-servers.js';
import { isRight, play } from '../../fixtures/detection/play-server.js';
import { readPlayedServers, resultOf } from '../../fixtures/detection/tool-lists.js';

const lists = [readPlayedServers('unseen-1'), readPlayedServers('unseen-2')];
const named = (servers: readonly LiveServer[]) => servers.map(server => [server.name, server] as const);
const servers = lists.flatMap(list => list.servers);
/** Their answers come as they are: why is beside each. */
const GAPS = new Set([
  // Its status tool takes no id: it tells of whatever is built last.
  'unreal-build',
]);

describe.each(named(servers.filter(({ name }) => !GAPS.has(name))))('the pair of %s', (_name, server) => {
  test.each(['done', 'failed'] as const)('is found, and told when it is %s', async end => {
    const played = await play(server, end);
    expect(isRight(played, server, end), JSON.stringify(played.result)).toBe(true);
    expect(played.calls.filter(name => name === server.start)).toHaveLength(1);
    expect(played.calls.filter(name => server.states?.[name] === undefined)).toEqual([server.start]);
  });
});

test.each(
  named([...lists.flatMap(list => list.lookAlikes), ...servers.filter(({ name }) => GAPS.has(name))]),
)('the tools of %s are left alone', async (_name, server) => {
  const { result, calls } = await play(server, 'done');
  expect(result).toEqual(resultOf(server.answer));
  expect(calls).toEqual([server.start]);
});
