import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { proposePairs } from '../../../src/protocols/detection/propose.js';
import { factsOf } from '../../../src/protocols/detection/tool-facts.js';
import { type Reply, ScriptedServer } from '../../fixtures/client/scripted-server.js';
import {
  type LiveExample,
  readToolLists,
  resultOf,
  type ToolList,
} from '../../fixtures/detection/tool-lists.js';

const lists = (['corpus', 'held-out', 'held-out-2', 'held-out-3'] as const).flatMap(name =>
  readToolLists(name),
);

const isTrue = ({ pairs }: ToolList, { start, status }: { start: string; status: string }) =>
  pairs.some(pair => pair.start === start && pair.status === status);

describe.each(lists.map(list => [list.server, list] as const))('of the tools of %s', (_server, list) => {
  const proposals = proposePairs(list.tools);

  test('no wrong pair has strong evidence', () => {
    const wrong = proposals.filter(proposal => proposal.isStrong && !isTrue(list, proposal));
    expect(wrong).toEqual([]);
  });

  test('none is proposed as a status tool that changes something', () => {
    for (const { status } of proposals) {
      expect(status).not.toMatch(/^(create|update|delete|run|set|cancel|start|send|stop)_/);
      const { annotations } = list.tools.find(({ name }) => name === status) ?? {};
      expect(annotations?.destructiveHint === true && annotations.readOnlyHint !== true).toBe(false);
    }
  });
});

test('at least 80 % of the real pairs are found', () => {
  const pairs = lists.flatMap(list => list.pairs.map(pair => ({ list, pair })));
  const found = pairs.filter(({ list, pair }) =>
    proposePairs(list.tools).some(({ start, status }) => start === pair.start && status === pair.status),
  );
  expect(found.length / pairs.length).toBeGreaterThanOrEqual(0.8);
});

async function play(list: ToolList, example: LiveExample, detect: boolean) {
  const proposal = proposePairs(list.tools).find(({ start }) => start === example.tool);
  let asked = 0;
  const status: Reply = () => {
    asked++;
    if (example.status === undefined) throw new Error('nobody may ask');
    return asked > 2 ? resultOf({ status: 'completed', answer: 42 }) : resultOf(example.status);
  };
  const scripts = Object.fromEntries(
    list.tools.map(({ name }): [string, Reply] => {
      if (name === example.tool) return [name, () => resultOf(example.answer)];
      return [
        name,
        name === proposal?.status
          ? status
          : () => {
              throw new Error(`${name} was called`);
            },
      ];
    }),
  );
  const definitions = Object.fromEntries(list.tools.map(tool => [tool.name, tool]));
  const server = await ScriptedServer.connect(scripts, { definitions });
  const events: AwaitEvent[] = [];
  const client = new AwaitClient(server.client, {
    detect,
    initialIntervalMs: 1,
    onEvent: event => events.push(event),
  });
  const result = await client.callTool({ name: example.tool, arguments: example.arguments });
  const listed = await client.listTools();
  await client.close();
  return { result, asked, events, listed, calls: server.calls };
}

const examples = lists.flatMap(list =>
  (list.live ?? []).map(
    example =>
      [
        `${list.server}: ${example.tool} → ${JSON.stringify(example.answer).slice(0, 60)}`,
        list,
        example,
      ] as const,
  ),
);

describe('an answer', () => {
  test.each(examples)('%s', async (_name, list, example) => {
    const { result, asked, events, listed } = await play(list, example, true);
    const used = asked > 1;
    if (example.used !== null) expect(used).toBe(example.used);
    if (used) expect(result.content).toEqual(resultOf({ status: 'completed', answer: 42 }).content);
    else expect(result).toEqual(resultOf(example.answer));
    expect(
      events.filter(({ type }) => type === 'pair-detected').map(event => 'used' in event && event.used),
    ).toEqual(proposePairs(list.tools).some(({ start }) => start === example.tool) ? [used] : []);
    expect(listed.tools.map(({ name }) => name)).toEqual(list.tools.map(({ name }) => name));
  });

  test.each(examples.filter(([, , { used }]) => used))(
    'is left alone with `detect: false`: %s',
    async (_name, list, example) => {
      const { result, calls, events } = await play(list, example, false);
      expect(result).toEqual(resultOf(example.answer));
      expect(calls.map(({ tool }) => tool)).toEqual([example.tool]);
      expect(events.map(({ type }) => type)).not.toContain('pair-detected');
    },
  );
});

describe('a live answer that speaks against a pair', () => {
  const [list] = lists.filter(({ server }) => server === 'databricks');
  const example = (answer: unknown, status?: unknown): LiveExample => ({
    tool: 'execute_sql_async',
    arguments: { statement: 'select 1', warehouse_id: 'w-77' },
    answer,
    status,
    used: false,
  });

  test.each<[string, unknown, unknown, number]>([
    ['has no handle', { message: 'ok' }, undefined, 0],
    ['says that the work is done', { statement_id: '1', status: 'SUCCEEDED' }, undefined, 0],
    ['repeats what the caller gave', { statement_id: 'w-77' }, undefined, 0],
    ['is in a state that is none of work', { statement_id: '1', status: 'draft' }, undefined, 0],
    ['is long', { statement_id: '1', rows: 'x'.repeat(9000) }, undefined, 0],
    [
      'has a handle that the status tool does not know',
      { statement_id: '1' },
      { error: 'no such statement', success: false },
      1,
    ],
    ['has a status tool that tells no state', { statement_id: '1' }, { rows: [1, 2] }, 1],
    ['has a status tool with words of its own', { statement_id: '1' }, { status: 'simmering' }, 1],
  ])('%s', async (_what, answer, status, times) => {
    if (list === undefined) throw new Error('no list');
    const { result, asked, events } = await play(list, example(answer, status), true);
    expect(result).toEqual(resultOf(answer));
    expect(asked).toBe(times);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'pair-detected', used: false, statusTool: 'get_statement_status' }),
    );
  });
});

describe('an answer that may well be that of a start, but is taken for the result', () => {
  const [list] = lists.filter(({ server }) => server === 'databricks');
  const hintsOf = async (answer: unknown, status?: unknown) => {
    if (list === undefined) throw new Error('there is no such list');
    const call = { tool: 'execute_sql_async', arguments: { statement: 'select 1', warehouse_id: 'w-77' } };
    const { events } = await play(list, { ...call, answer, status, used: false }, true);
    return events.flatMap(event => ('hint' in event && event.hint !== undefined ? [event.hint] : []));
  };

  test.each<[string, unknown, unknown, RegExp]>([
    [
      'whose state is unknown',
      { statement_id: '1', status: 'fermenting' },
      undefined,
      /, but `fermenting` is no known state of work: .*--status-tool get_statement_status --id-arg statement_id/,
    ],
    [
      'whose status tool refuses it',
      { statement_id: '1', status: 'RUNNING' },
      'go away',
      /, but `get_statement_status` did not tell a state: .*--status-tool get_statement_status --id-arg statement_id/,
    ],
  ])('one %s says how to have it awaited', async (_what, answer, status, hint) => {
    expect(await hintsOf(answer, status)).toEqual([expect.stringMatching(hint)]);
  });

  test.each<[string, unknown]>([
    ['that says that it is done', { statement_id: '1', status: 'SUCCEEDED' }],
    ['without a handle', { message: 'ok' }],
  ])('one %s says nothing', async (_what, answer) => {
    expect(await hintsOf(answer)).toEqual([]);
  });
});

describe('ordinary answers of all tools', () => {
  const ordinary: readonly (readonly [string, unknown])[] = [
    ['a text', 'All done.'],
    ['a record', { id: 'r-1', name: 'A thing', created_at: '2026-01-01' }],
    ['a record with a state of its own', { id: 'r-2', status: 'active' }],
    ['an empty record', {}],
    [
      'a list',
      {
        items: [
          { id: 'a', status: 'running' },
          { id: 'b', status: 'done' },
        ],
        total: 2,
      },
    ],
    ['a result', { id: 'r-3', status: 'completed', output: 'x' }],
  ];

  test.each(ordinary)('come as they are: %s', async (_what, answer) => {
    for (const list of lists) {
      const strong = new Map(
        proposePairs(list.tools).flatMap(({ start, status, isStrong }) =>
          isStrong ? [[start, status] as const] : [],
        ),
      );
      const scripts = Object.fromEntries(
        list.tools.map(({ name }): [string, Reply] => [name, () => resultOf(answer)]),
      );
      const server = await ScriptedServer.connect(scripts, {
        definitions: Object.fromEntries(list.tools.map(tool => [tool.name, tool])),
      });
      const client = new AwaitClient(server.client, { pairs: [], initialIntervalMs: 1 });
      const known = new Set(
        (await client.explainTools()).flatMap(({ tool, why }) => (why.includes('profile `') ? [tool] : [])),
      );
      for (const { name } of list.tools.filter(tool => !known.has(tool.name))) {
        const before = server.calls.length;
        expect(await client.callTool({ name, arguments: {} }), `${list.server} ${name}`).toEqual(
          resultOf(answer),
        );
        const [first, ...others] = server.calls.slice(before).map(({ tool }) => tool);
        expect(first).toBe(name);
        if (others.length > 0) expect(others, name).toEqual([strong.get(name)]);
      }
      await client.close();
    }
  });
});

test('a call that is aborted while the status tool is looked at loses neither its answer nor its job', async () => {
  const [list] = lists.filter(({ server }) => server === 'databricks');
  const controller = new AbortController();
  const scripts: Record<string, Reply> = Object.fromEntries(
    (list?.tools ?? []).map(({ name }) => [name, () => resultOf('no')]),
  );
  const server = await ScriptedServer.connect(
    {
      ...scripts,
      execute_sql_async: () => resultOf({ statement_id: '7', status: 'PENDING' }),
      get_statement_status: ({ signal }) => {
        controller.abort(new Error('enough'));
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('cancelled'))),
        );
      },
    },
    { definitions: Object.fromEntries((list?.tools ?? []).map(tool => [tool.name, tool])) },
  );
  const client = new AwaitClient(server.client, { cancelOnAbort: true });
  const calling = client.callTool({ name: 'execute_sql_async', arguments: {} }, undefined, {
    signal: controller.signal,
  });
  await expect(calling).rejects.toMatchObject({ code: 'ABORTED' });
  await client.close();
  expect(server.calls.map(({ tool }) => tool)).toEqual(['execute_sql_async', 'get_statement_status']);
});

test('a pair that would need a secret in its references is not proposed', () => {
  const tool = (name: string, properties: object, description: string) => ({
    name,
    description,
    inputSchema: {
      type: 'object' as const,
      properties: { ...properties },
      required: Object.keys(properties),
    },
  });
  const start = tool(
    'start_export',
    { api_key: {} },
    'Starts an export in the background, see get_export_status.',
  );
  const status = (more: object) =>
    tool('get_export_status', { ...more, export_id: { type: 'string' } }, 'Status of an export.');
  expect(proposePairs([start, status({})])).toHaveLength(1);
  expect(proposePairs([start, status({ api_key: {} })])).toEqual([]);
});

test('the names of all tools of a server do not count for likeness', () => {
  const tools = ['acme_start_run', 'acme_get_run', 'acme_list'].map(name => ({
    name,
    inputSchema: { type: 'object' as const },
  }));
  expect(factsOf(tools).map(({ words }) => words)).toEqual([['start', 'run'], ['get', 'run'], ['list']]);
});
