import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import type { ResolvedPairOptions } from '../../../src/client/tools/pair-options.js';
import { ToolCatalog, type ToolCatalogOptions } from '../../../src/client/tools/tool-catalog.js';
import { AwaitError } from '../../../src/errors.js';
import type { Port } from '../../../src/protocols/protocol.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, usual } from '../../fixtures/client/http-mcp.js';
import { connectRaw, type RawHandler } from '../../fixtures/client/raw-server.js';

const good = { name: 'good', inputSchema: { type: 'object' } };
const hi = { content: [{ type: 'text', text: 'hi' }] };

/** A client of a server that answers these methods, and `tools/call` with `hi`. */
async function clientOf(answers: Readonly<Record<string, RawHandler>>, capabilities: object = { tools: {} }) {
  const events: AwaitEvent[] = [];
  const { client: sdkClient, server } = await connectRaw(
    (request, own) => {
      const answer = answers[request.method];
      if (answer !== undefined) return answer(request, own);
      if (request.method === 'tools/call') return hi;
      throw { code: -32601, message: 'Method not found' };
    },
    { capabilities },
  );
  const client = new AwaitClient(sdkClient, { onEvent: event => events.push(event) });
  const problems = () => events.flatMap(event => (event.type === 'list-repaired' ? [event.problems] : []));
  return { client, server, problems };
}

const listing = (tools: unknown, more: object = {}) => clientOf({ 'tools/list': () => ({ tools, ...more }) });
const names = (tools: readonly { name: string }[]) => tools.map(({ name }) => name);

describe('a tool that is not of the shape of MCP', () => {
  test.each<[string, unknown, string[]]>([
    ['anyOf at the top', { name: 'odd', inputSchema: { anyOf: [{ type: 'object' }] } }, ['good', 'odd']],
    ['an empty schema', { name: 'odd', inputSchema: {} }, ['good', 'odd']],
    ['no schema', { name: 'odd' }, ['good', 'odd']],
    ['the schema true', { name: 'odd', inputSchema: true }, ['good', 'odd']],
    ['a list as its schema', { name: 'odd', inputSchema: [] }, ['good', 'odd']],
    ['a schema of another type', { name: 'odd', inputSchema: { type: 'array' } }, ['good', 'odd']],
    [
      'a text as its properties',
      { name: 'odd', inputSchema: { type: 'object', properties: 'x' } },
      ['good', 'odd'],
    ],
    ['a number as its description', { ...good, name: 'odd', description: 5 }, ['good', 'odd']],
    ['annotations that are a text', { ...good, name: 'odd', annotations: 'read only' }, ['good', 'odd']],
    [
      'a hint that is a text',
      { ...good, name: 'odd', annotations: { readOnlyHint: 'yes' } },
      ['good', 'odd'],
    ],
    ['a list as its _meta', { ...good, name: 'odd', _meta: 5 }, ['good', 'odd']],
    [
      'an unknown task support',
      { ...good, name: 'odd', execution: { taskSupport: 'maybe' } },
      ['good', 'odd'],
    ],
    ['icons without a source', { ...good, name: 'odd', icons: [{ size: 5 }] }, ['good', 'odd']],
    [
      'an output schema that is no object',
      { ...good, name: 'odd', outputSchema: { type: 'array' } },
      ['good', 'odd'],
    ],
    ['no name', { inputSchema: { type: 'object' } }, ['good']],
    ['an empty name', { ...good, name: '' }, ['good']],
    ['a number as its name', { ...good, name: 5 }, ['good']],
    ['a name of 200,000 characters', { ...good, name: 'A'.repeat(200_000) }, ['good']],
    ['nothing', null, ['good']],
    ['a text', 'odd', ['good']],
  ])('costs no other tool and is told once: %s', async (_what, odd, shown) => {
    const { client, problems } = await listing([good, odd]);
    expect(await client.callTool({ name: 'good' })).toEqual(hi);
    expect(names((await client.listTools()).tools)).toEqual(shown);
    expect(names(await client.tools())).toEqual(shown);
    expect((await client.explainTools()).map(({ tool }) => tool)).toEqual(shown);
    for (const { inputSchema } of await client.tools()) expect(inputSchema.type).toBe('object');
    const [first, ...others] = problems();
    expect(first?.join()).toMatch(/^(A tool|The tool `(odd|A+…)`)/);
    expect(first?.join().length).toBeLessThan(500);
    expect(others).toEqual([]);
  });

  test.each<[string, object]>([
    ['fields', { title: null, description: null, annotations: null, outputSchema: null, icons: null }],
    ['_meta and execution', { _meta: null, execution: null }],
    ['properties and required', { inputSchema: { type: 'object', properties: null, required: null } }],
    ['hints', { annotations: { title: null, readOnlyHint: null } }],
  ])('has nothing to tell where null stands for what is absent: %s', async (_what, more) => {
    const { client, problems } = await listing([{ ...good, ...more }], { nextCursor: null });
    expect(names((await client.listTools()).tools)).toEqual(['good']);
    expect(await client.callTool({ name: 'good' })).toEqual(hi);
    expect(problems()).toEqual([]);
  });

  test('keeps what can be read of its schema', async () => {
    const inputSchema = {
      properties: { any: true, none: false, lost: null, id: { type: 'integer' }, far: { $ref: '#/nowhere' } },
      required: ['id', 5],
      $schema: 'http://json-schema.org/draft-04/schema#',
    };
    const { client } = await listing([{ name: 'odd', inputSchema }]);
    const [tool] = await client.tools();
    expect(tool?.inputSchema).toEqual({
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'object',
      properties: {
        any: {},
        none: { not: {} },
        lost: {},
        id: { type: 'integer' },
        far: { $ref: '#/nowhere' },
      },
      required: ['id'],
    });
  });

  test('has its first definition where the list names it twice', async () => {
    const { client } = await listing([
      { ...good, description: 'first' },
      { ...good, description: 'second' },
    ]);
    expect((await client.tools()).map(({ description }) => description)).toEqual(['first']);
  });

  test.each([
    ['a reference to nowhere', { type: 'object', properties: { a: { $ref: '#/$defs/Missing' } } }],
    ['a type that is none', { type: 'object', properties: { a: { type: 'strng' } } }],
    ['an unknown draft', { $schema: 'urn:none', type: 'object' }],
    ['a pattern of Python', { type: 'object', properties: { a: { type: 'string', pattern: '(?i)a' } } }],
    ['an unknown format', { type: 'object', properties: { a: { type: 'string', format: 'moon' } } }],
  ])('is listed and called whatever its output schema is: %s', async (_what, outputSchema) => {
    const { client } = await listing([{ ...good, outputSchema }]);
    expect(names((await client.listTools()).tools)).toEqual(['good']);
    expect(await client.callTool({ name: 'good' })).toEqual(hi);
  });
});

describe('a list that cannot be read', () => {
  test.each<[string, RawHandler]>([
    ['no tools', () => ({})],
    ['tools that are null', () => ({ tools: null })],
    ['tools that are an object', () => ({ tools: { good } })],
    ['tools that are a text', () => ({ tools: 'good' })],
    [
      'an unknown method',
      () => {
        throw { code: -32601, message: 'no' };
      },
    ],
    [
      'an error',
      () => {
        throw { code: -32603, message: 'not today' };
      },
    ],
  ])('stops no call: %s', async (_what, list) => {
    const { client } = await clientOf({ 'tools/list': list });
    expect(await client.callTool({ name: 'good' })).toEqual(hi);
  });

  test('on its second page gives the tools of its first, and says so', async () => {
    const { client, problems } = await clientOf({
      'tools/list': ({ params }) => {
        if (params.cursor !== undefined) throw { code: -32603, message: 'no second page' };
        return { tools: [good], nextCursor: 'two' };
      },
    });
    expect(names(await client.tools())).toEqual(['good']);
    expect(problems().join()).toContain('no second page');
  });

  test('may still be there where a server declares no tools', async () => {
    const { client } = await clientOf({ 'tools/list': () => ({ tools: [good] }) }, {});
    expect(names(await client.tools())).toEqual(['good']);
  });

  test('is empty where a server declares no tools and has none', async () => {
    const { client } = await clientOf({}, {});
    expect(await client.tools()).toEqual([]);
  });
});

describe('a list that never ends', () => {
  const two = [good, { ...good, name: 'other' }];
  test.each<[string, (count: number) => object]>([
    ['the same cursor', () => ({ tools: two, nextCursor: 'same' })],
    ['an empty cursor', () => ({ tools: two, nextCursor: '' })],
    ['a new cursor and the same page', count => ({ tools: two, nextCursor: `c${count}` })],
    ['two cursors in turn', count => ({ tools: two, nextCursor: `c${count % 2}` })],
    [
      'a new cursor and nothing on the page',
      count => ({ tools: count === 1 ? two : [], nextCursor: `c${count}` }),
    ],
    ['a number as its cursor', () => ({ tools: two, nextCursor: 1 })],
  ])('ends where a page brings nothing new: %s', async (_what, page) => {
    let count = 0;
    const { client } = await clientOf({ 'tools/list': () => page(++count) });
    expect(await client.callTool({ name: 'good' })).toEqual(hi);
    expect(names(await client.tools())).toEqual(['good', 'other']);
    expect(count).toBeLessThan(25);
    let cursor: string | undefined;
    let pages = 0;
    do {
      pages++;
      ({ nextCursor: cursor } = await client.listTools(cursor === undefined ? undefined : { cursor }));
    } while (cursor !== undefined);
    expect(pages).toBeLessThan(25);
  });

  test('goes on behind the cursor "", a number, and a page that is empty', async () => {
    const pages = new Map<unknown, object>([
      [undefined, { tools: [good], nextCursor: '' }],
      ['', { tools: [], nextCursor: 2 }],
      [2, { tools: [{ ...good, name: 'last' }] }],
    ]);
    const { client } = await clientOf({ 'tools/list': ({ params }) => pages.get(params.cursor) });
    expect(names(await client.tools())).toEqual(['good', 'last']);
  });

  test('is cut at 10,000 tools, and says so', async () => {
    const tools = Array.from({ length: 10_500 }, (_, index) => ({ ...good, name: `t${index}` }));
    const { client, problems } = await listing(tools, { nextCursor: 'more' });
    expect(await client.tools()).toHaveLength(10_000);
    expect(problems().join()).toContain('Of 10500 tools the first 10000 are used');
  });
});

describe('other answers', () => {
  test.each<[string, string, unknown[], string[]]>([
    [
      'prompts/list',
      'prompts',
      [{ name: 'a', description: null, arguments: null }, { title: 'no name' }, 5],
      ['a'],
    ],
    ['resources/list', 'resources', [{ uri: 'x:1', name: 'a', size: 'big' }, { name: 'no uri' }], ['a']],
    [
      'resources/templates/list',
      'resourceTemplates',
      [{ uriTemplate: 'x:{a}', name: 'a', mimeType: 5 }, null],
      ['a'],
    ],
  ])('%s is read item by item', async (method, key, items, shown) => {
    const { client, problems } = await clientOf({ [method]: () => ({ [key]: items, nextCursor: null }) });
    const list =
      { 'prompts/list': 'listPrompts', 'resources/list': 'listResources' }[method] ?? 'listResourceTemplates';
    const answer = await (client as never as Record<string, () => Promise<Record<string, never[]>>>)[
      list
    ]?.();
    expect(names(answer?.[key] ?? [])).toEqual(shown);
    expect(problems()).toHaveLength(1);
  });

  test('a prompt keeps its messages, whatever their blocks are', async () => {
    const messages = [
      { role: 'user', content: { type: 'text', text: 'a', annotations: null } },
      { role: 'user', content: { type: 'video', data: 'x' } },
    ];
    const { client } = await clientOf({ 'prompts/get': () => ({ description: null, messages }) });
    expect((await client.getPrompt({ name: 'p' })).messages).toEqual([
      { role: 'user', content: { type: 'text', text: 'a' } },
      { role: 'user', content: { type: 'text', text: '{"type":"video","data":"x"}' } },
    ]);
  });

  test('what cannot be read at all is told in a sentence', async () => {
    const { client } = await clientOf({ 'prompts/get': () => ({ text: 'hello' }) });
    const error = await failureOf(client.getPrompt({ name: 'p' }));
    expect(error).toBeInstanceOf(AwaitError);
    expect(error.message).toBe('The answer to `prompts/get` cannot be read: {"text":"hello"}');
  });

  test('a ping may be answered with more than nothing', async () => {
    const { client } = await clientOf({ ping: () => ({ ok: true }) });
    await expect(client.ping()).resolves.toBeDefined();
  });
});

test('pages that together are too large are refused', async () => {
  let page = 0;
  const catalog = new ToolCatalog({
    client: { getServerCapabilities: () => ({ tools: {} }) } as unknown as Client,
    port: {
      request: async () => ({
        tools: [{ ...good, name: `tool${++page}`, description: 'x'.repeat(1000) }],
        nextCursor: `page${page}`,
      }),
    } as unknown as Port,
    closed: new AbortController().signal,
    pairs: {} as ResolvedPairOptions,
    proofs: {} as ToolCatalogOptions['proofs'],
    onProblems: () => {},
    maxListBytes: 5000,
  });
  await expect(catalog.plans({ requestTimeoutMs: 1000, requestRetries: 0 })).rejects.toThrow(
    "The server's list of tools has more than 5000 bytes over all its pages",
  );
  expect(page).toBe(5);
});

test('they are bounded by the largest answer that a connection takes', async () => {
  const { url } = await httpMcp(message => {
    if (message.method !== 'tools/list') return usual(message);
    const page = Number(message.params?.cursor ?? 0) + 1;
    const tools = [{ ...good, name: `tool${page}`, description: 'x'.repeat(1000) }];
    return { result: { tools, ...(page < 20 && { nextCursor: String(page) }) } };
  });
  const client = await AwaitClient.connect(url, { maxAnswerBytes: 5000 });
  const error = await failureOf(client.explainTools());
  expect(error.message).toContain('more than 5000 bytes over all its pages');
  await client.close();
});
