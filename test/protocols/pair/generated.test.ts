import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { PairProfile } from '../../../src/protocols/pair/profile.js';
import { type Reply, ScriptedServer } from '../../fixtures/client/scripted-server.js';

const identifier = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,11}$/)
  .filter(name => !['constructor', 'prototype', 'error', 'success'].includes(name));
const path = fc.array(identifier, { minLength: 1, maxLength: 3 }).map(keys => keys.join('.'));
const word = fc.stringMatching(/^[A-Za-z][A-Za-z _-]{0,14}[A-Za-z]$/);

/** How data are dressed in an answer. */
const dress = fc.constantFrom('structured', 'text', 'fenced', 'sentence', 'both', 'second');

type Dress = typeof dress extends fc.Arbitrary<infer T> ? T : never;

function answer(data: Record<string, unknown>, as: Dress): CallToolResult {
  const json = JSON.stringify(data);
  const text = (...texts: string[]): CallToolResult => ({
    content: texts.map(each => ({ type: 'text', text: each })),
  });
  switch (as) {
    case 'structured':
      return { content: [], structuredContent: data };
    case 'text':
      return text(json);
    case 'fenced':
      return text(`Here:\n\`\`\`json\n${json}\n\`\`\``);
    case 'sentence':
      return text(`The server says: ${json}`);
    case 'both':
      return { ...text(json), structuredContent: data };
    case 'second':
      return text('Hello.', json);
  }
}

/** Data with a value at each path; undefined where paths stand in each other's way. */
function dataWith(values: readonly (readonly [string, unknown])[]): Record<string, unknown> | undefined {
  const data: Record<string, unknown> = {};
  for (const [place, value] of values) {
    const keys = place.split('.');
    let at: Record<string, unknown> = data;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      const next = at[key];
      if (typeof next !== 'object' || next === null) return undefined;
      at = next as Record<string, unknown>;
    }
    const last = keys.at(-1) ?? '';
    if (Object.hasOwn(at, last)) return undefined;
    at[last] = value;
  }
  return data;
}

const generated = fc.record({
  start: identifier,
  status: identifier,
  argument: path,
  handleAt: path,
  statusAt: path,
  handle: fc.oneof(fc.uuid(), fc.integer({ min: 1 }), fc.stringMatching(/^[\w:/-]{1,30}$/)),
  running: fc.array(word, { maxLength: 3 }),
  done: word,
  failed: word,
  unknown: word,
  end: fc.constantFrom('done', 'failed', 'unknown'),
  dress,
  payload: fc.jsonValue(),
});

describe('servers of any names, nesting, words and dress', () => {
  test('give their result in one call, their failure as an error, and never a success by an unknown word', async () => {
    let played = 0;
    await fc.assert(
      fc.asyncProperty(generated, async shape => {
        const fold = (text: string) =>
          text
            .replace(/([a-z\d])([A-Z])/g, '$1_$2')
            .toLowerCase()
            .replace(/[\s_-]+/g, '_');
        const words = [...shape.running, shape.done, shape.failed].map(fold);
        fc.pre(
          shape.start !== shape.status &&
            new Set(words).size === words.length &&
            !words.includes(fold(shape.unknown)),
        );
        const known =
          /compl|done|finish|succe|fail|error|cancel|abort|expire|timeout|timed|stop|kill|dead|crash|reject|refuse|invalid|fatal|exception|moderat|revoke|interrupt|termin|unsucc|partial|exited|ok/i;
        fc.pre(!known.test(shape.unknown));
        const told = (status: string) =>
          dataWith([
            [shape.statusAt, status],
            ['payload_', shape.payload],
          ]);
        const started = dataWith([[shape.handleAt, shape.handle]]);
        const [last, ...rest] = [told(shape[shape.end]), ...shape.running.map(told)];
        fc.pre(started !== undefined && last !== undefined);
        const pair: PairProfile = {
          name: 'generated',
          start: { tool: shape.start, handleAt: shape.handleAt },
          status: { tool: shape.status, handleArgument: shape.argument, statusAt: shape.statusAt },
          words: {
            ...Object.fromEntries(shape.running.map(each => [each, 'working' as const])),
            [shape.done]: 'completed',
            [shape.failed]: 'failed',
          },
        };
        const asked: unknown[] = [];
        const states = [...rest, last].map(data => answer(data ?? {}, shape.dress));
        const statusReply: Reply = request => {
          asked.push(request.arguments);
          return states[Math.min(asked.length - 1, states.length - 1)] ?? states[0] ?? { content: [] };
        };
        const server = await ScriptedServer.connect({
          [shape.start]: () => answer(started ?? {}, shape.dress),
          [shape.status]: statusReply,
        });
        const client = new AwaitClient(server.client, {
          pairs: [pair],
          initialIntervalMs: 0.1,
          maxIntervalMs: 0.1,
          jitter: 0,
          maxAttempts: 8,
          pacing: 'backoff',
        });
        const result = await client
          .callTool({ name: shape.start, arguments: {} })
          .catch((error: Error) => error);
        await client.close();
        const expected = states.at(-1);
        if (shape.end === 'done') expect(result).toEqual(expected);
        else if (shape.end === 'failed')
          expect(result).toMatchObject({
            content: expected?.content,
            isError: true,
            structuredContent: { status: 'failed', error: { message: expect.any(String) } },
          });
        else expect(result).toMatchObject({ code: 'AWAIT_TIMEOUT' });
        // Asked about the task that was started, and nothing else.
        expect(new Set(asked.map(each => JSON.stringify(each)))).toEqual(
          new Set([JSON.stringify(dataWith([[shape.argument, shape.handle]]))]),
        );
        played++;
      }),
      { numRuns: 150 },
    );
    expect(played).toBeGreaterThan(30);
  });

  test('are refused when they answer about another task', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.uuid(), dress, async (own, other, as) => {
        fc.pre(own !== other);
        const pair: PairProfile = {
          name: 'generated',
          start: { tool: 'begin', handleAt: 'id' },
          status: { tool: 'look', handleArgument: 'id', statusAt: 'status', handleAt: 'id' },
        };
        const server = await ScriptedServer.connect({
          begin: () => answer({ id: own }, as),
          look: () => answer({ id: other, status: 'completed', secret: 'of somebody else' }, as),
        });
        const client = new AwaitClient(server.client, { pairs: [pair], initialIntervalMs: 0.1, jitter: 0 });
        await expect(client.callTool({ name: 'begin', arguments: {} })).rejects.toMatchObject({
          code: 'PROTOCOL_VIOLATION',
        });
        await client.close();
      }),
      { numRuns: 25 },
    );
  });
});
