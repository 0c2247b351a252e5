import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { ConnectOptions } from '../../../src/client/connect/connect.js';
import { pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { builtInPairs, namedPairs } from '../../../src/protocols/pairs/index.js';
import { startTools } from '../../../src/protocols/tool-definition.js';
import { type PairShape, pairServer } from '../../fixtures/pairs/pair-server.js';
import { recordedShapes, variantShapes } from '../../fixtures/pairs/recorded-shapes.js';

const quick = { initialIntervalMs: 2, maxIntervalMs: 2, longPollMs: 1000 } as const;

const clients: AwaitClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(url: string, options?: ConnectOptions): Promise<AwaitClient> {
  const client = await AwaitClient.connect(url, { ...quick, discoverTimeoutMs: 0, ...options });
  clients.push(client);
  return client;
}

/** What the user has to say, so that a pair is used. */
const told = ({ pair }: PairShape) =>
  builtInPairs.some(({ name }) => name === pair.name)
    ? {}
    : { pairs: [namedPairs.some(({ name }) => name === pair.name) ? pair.name : pair] };

/** Whether the profile has the field at the path, with another value than a default that says no. */
function hasField(profile: object, path: readonly string[]): boolean {
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    profile,
  );
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

test('every field of a profile is used by a shipped pair, or by that of a server that is played', () => {
  const played = Object.values({ ...recordedShapes, ...variantShapes }).map(({ pair }) => pair);
  const profiles = [...builtInPairs, ...played];
  const { properties } = z.toJSONSchema(pairProfileSchema, { io: 'input' });
  const fields = Object.entries(properties ?? {}).flatMap(([name, field]) => {
    const inner = typeof field === 'object' ? Object.keys(field.properties ?? {}) : [];
    return inner.length === 0 ? [[name]] : inner.map(key => [name, key]);
  });
  expect(fields.length).toBeGreaterThan(30);
  const missing = fields.filter(path => !profiles.some(profile => hasField(profile, path)));
  expect(missing.map(path => path.join('.'))).toEqual([]);
});

describe.each(Object.entries({ ...recordedShapes, ...variantShapes }))('a server as %s', (_name, shape) => {
  const { call, ids, pair } = shape;
  const completed = shape.fetched ?? shape.ends.completed;

  test('hands out the whole result of one call', async () => {
    const server = await pairServer(shape, 'completed');
    const client = await connect(server.url, told(shape));
    const result = await client.callTool(call);
    expect(result.isError).toBeUndefined();
    if (ids.length === 1) expect(result).toEqual(completed);
    else
      expect(result.structuredContent).toMatchObject({
        results: ids.map(task => ({ task, status: 'completed' })),
      });
    const polls = server.calls.filter(({ tool }) => tool === pair.status.tool);
    expect(polls.length).toBeGreaterThanOrEqual(ids.length * (shape.running.length + 1));
  });

  test('marks what failed as an error, with all that the server said', async () => {
    const server = await pairServer(shape, 'failed');
    const client = await connect(server.url, told(shape));
    const result = await client.callTool(call);
    expect(result.isError).toBe(true);
    if (ids.length === 1) expect(result.content).toEqual(shape.ends.failed?.content);
  });

  test('can be left and gone on with in another process', async () => {
    const server = await pairServer(shape, 'completed');
    const first = await connect(server.url, told(shape));
    const task = await first.startTool(call);
    task.detach();
    const reference = JSON.parse(JSON.stringify(task.reference));
    // The other process has not been told of the pair.
    const second = await connect(server.url);
    const result = await (await second.resumeTask(reference)).result();
    expect(result.isError).toBeUndefined();
    expect(reference.handle.ids).toEqual(ids);
  });

  test.runIf(pair.cancel !== undefined && shape.ends.cancelled !== undefined)('cancels', async () => {
    const server = await pairServer({ ...shape, running: Array(500).fill(shape.running[0]) }, 'completed');
    const client = await connect(server.url, told(shape));
    const task = await client.startTool(call);
    const result = task.result();
    await task.cancel();
    expect((await result).structuredContent).toMatchObject({ status: 'cancelled' });
  });

  test('shows an agent the start tool alone', async () => {
    const server = await pairServer(shape, 'completed');
    const client = await connect(server.url, told(shape));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([call.name, 'greet']);
    expect(tools[0]?.description).toMatch(/returns its final result/);
    const keeping = await connect(server.url, { ...told(shape), showPairTools: true });
    expect((await keeping.listTools()).tools.map(({ name }) => name)).toContain(pair.status.tool);
  });
});

test('every profile has a recorded shape, a source, and a name of its own', () => {
  const profiles = [...builtInPairs, ...namedPairs];
  // Our own server plays its pair itself, in many tests.
  const recorded = new Set(['mcp-await', ...Object.values(recordedShapes).map(({ pair }) => pair.name)]);
  expect(profiles.map(({ name }) => name).filter(name => !recorded.has(name))).toEqual([]);
  expect(new Set(profiles.map(({ name }) => name)).size).toBe(profiles.length);
  for (const profile of profiles) {
    expect(profile.source).toBeDefined();
    expect(startTools(profile)).not.toContain('');
  }
});
