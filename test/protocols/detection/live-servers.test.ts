import { describe, expect, test } from 'vitest';
import { liveServers, lookAlikes } from '../../fixtures/detection/live-servers.js';
import { isRight, play } from '../../fixtures/detection/play-server.js';
import { resultOf } from '../../fixtures/detection/tool-lists.js';

describe.each(liveServers.map(server => [server.name, server] as const))(
  'the pair of %s',
  (_name, server) => {
    test.each(['done', 'failed'] as const)('is found, and told when it is %s', async end => {
      const played = await play(server, end);
      const { result, calls } = played;
      expect(isRight(played, server, end), JSON.stringify(result)).toBe(true);
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
