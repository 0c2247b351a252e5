import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { type Reply, ScriptedServer } from '../../fixtures/client/scripted-server.js';
import { resultOf } from '../../fixtures/detection/tool-lists.js';

/** `MADE_UP_SERVERS=10000` makes as many up. */
const RUNS = Number(process.env.MADE_UP_SERVERS ?? 150);

const verbs = [
  'generate',
  'render',
  'crawl',
  'start',
  'submit',
  'create',
  'run',
  'export',
  'add',
  'send',
  'book',
];
const nouns = [
  'video',
  'crawl',
  'job',
  'run',
  'report',
  'order',
  'ticket',
  'task',
  'message',
  'workflow',
  'widget',
];
const looks = ['get', 'check', 'retrieve', 'poll', 'describe'];
const tails = ['', '_status', '_progress', '_result', '_details'];
const descriptions = [
  '',
  'Startet einen Auftrag im Hintergrund.',
  'Lance un travail ; renvoie son identifiant.',
  'ジョブを開始します。',
  'Runs asynchronously and returns an id at once.',
  'Long-running: takes several minutes.',
  'Deletes nothing. See the documentation.',
];
const keys = ['id', 'ID', 'uuid', 'own_id', 'ownId', 'name'];
const states = {
  running: ['running', 'RUNNING', 'in_progress', 'Queued', 'PENDING', 'processing', 'simmering'],
  done: ['completed', 'SUCCEEDED', 'done', 'success', 'Finished'],
  failed: ['failed', 'ERROR', 'FAILURE', 'timed_out', 'crashed'],
};

type State = keyof typeof states;

interface MadeUp {
  readonly start: string;
  readonly status: string;
  readonly tools: readonly Tool[];
  /** Of the start call. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly answer: unknown;
  readonly told: (state: State) => unknown;
  readonly end: 'done' | 'failed';
  readonly knows: boolean;
}

const dressed = (style: number, key: string, id: string, state: string, more: object): unknown => {
  const inner = { [key]: id, status: state, ...more };
  switch (style) {
    case 0:
      return inner;
    case 1:
      return { status: 'success', data: inner };
    case 2:
      return { success: true, job: inner, error: null };
    case 3:
      return { data: { id, attributes: { state, ...more } } };
    case 4:
      return `**ID**: ${id}\n**Status**: ${state}\n${JSON.stringify(more)}`;
    case 5:
      return { [key]: id, finished: state !== 'running', status: state, ...more };
    default:
      return `Job ${id}: ${state}`;
  }
};

const madeUp: fc.Arbitrary<MadeUp> = fc
  .record({
    verb: fc.constantFrom(...verbs),
    noun: fc.constantFrom(...nouns),
    look: fc.constantFrom(...looks),
    tail: fc.constantFrom(...tails),
    key: fc.constantFrom(...keys),
    argument: fc.constantFrom('id', 'own_id', 'ownId', 'uuid', 'name'),
    describe: fc.tuple(fc.constantFrom(...descriptions), fc.constantFrom(...descriptions)),
    style: fc.integer({ min: 0, max: 6 }),
    startStyle: fc.integer({ min: 0, max: 6 }),
    startState: fc.constantFrom('running', 'queued', 'success', 'created', 'draft'),
    words: fc.record({
      running: fc.constantFrom(...states.running),
      done: fc.constantFrom(...states.done),
      failed: fc.constantFrom(...states.failed),
    }),
    end: fc.constantFrom('done' as const, 'failed' as const),
    knows: fc.boolean(),
    id: fc.constantFrom('9f31c2aa77b0', 'job-17', '4711', 'a_b_c1'),
    others: fc.subarray(['delete', 'cancel', 'update', 'list', 'stop']),
    isShuffled: fc.boolean(),
    /** Whether all are actions of one tool. */
    isOneTool: fc.boolean(),
  })
  .map(made => {
    const { noun, words, id } = made;
    const own = (name: string) => name.replace('own', noun);
    const tool = (name: string, description: string, argument?: string): Tool => ({
      name,
      description,
      inputSchema: {
        type: 'object',
        properties: argument === undefined ? {} : { [argument]: { type: 'string' } },
        required: argument === undefined ? [] : [argument],
      },
    });
    const argument = own(made.argument);
    const start = `${made.verb}_${noun}`;
    const status = `${made.look}_${noun}${made.tail}`;
    const tools = [
      tool(start, made.describe[0]),
      tool(status, made.describe[1], argument),
      ...made.others.map(other => tool(`${other}_${noun}`, '', argument)),
    ];
    const { isOneTool } = made;
    const actions = [made.verb, made.look + made.tail, ...made.others];
    const whole: Tool = {
      name: noun,
      description: made.describe[0],
      inputSchema: {
        type: 'object',
        properties: { action: { type: 'string', enum: actions }, [argument]: { type: 'string' } },
        required: ['action'],
      },
    };
    const more = { running: {}, done: { result: 'FINAL' }, failed: { error: 'BROKEN' } };
    return {
      start: isOneTool ? noun : start,
      status: isOneTool ? noun : status,
      given: isOneTool ? { action: made.verb } : {},
      tools: isOneTool ? [whole] : made.isShuffled ? tools.toReversed() : tools,
      answer: dressed(made.startStyle, own(made.key), id, made.startState, {}),
      told: (state: State) => dressed(made.style, own(made.key), id, words[state], more[state]),
      end: made.end,
      knows: made.knows,
    };
  });

test(`of ${RUNS} servers that are made up, none is told a wrong end, and no tool is called but the two`, {
  timeout: 30_000 + RUNS * 100,
}, async () => {
  await fc.assert(
    fc.asyncProperty(madeUp, async ({ start, status, tools, given, answer, told, end, knows }) => {
      let asked = 0;
      const isStart = (call: { readonly arguments: unknown }) =>
        JSON.stringify(call.arguments) === JSON.stringify(given);
      const tell = () => resultOf(knows ? told(asked++ < 2 ? 'running' : end) : { error: 'unknown' });
      const replies = tools.map(({ name }): [string, Reply] => {
        if (name === start) return [name, call => (isStart(call) ? resultOf(answer) : tell())];
        if (name !== status) return [name, () => Promise.reject(new Error(`${name} was called`))];
        return [name, tell];
      });
      const scripted = await ScriptedServer.connect(Object.fromEntries(replies), {
        definitions: Object.fromEntries(tools.map(tool => [tool.name, tool])),
      });
      const client = new AwaitClient(scripted.client, { initialIntervalMs: 1, maxAttempts: 4 });
      const result = await client
        .callTool({ name: start, arguments: given })
        .catch((error: { code?: string }) => error.code);
      await client.close();
      const called = scripted.calls.map(({ tool }) => tool);
      const chosen = scripted.calls.map(call =>
        String((call.arguments as { action?: unknown }).action ?? ''),
      );
      expect(scripted.calls.filter(call => call.tool === start && isStart(call))).toHaveLength(1);
      expect([...called, ...chosen].filter(name => /delete|cancel|update|stop/.test(name))).toEqual([]);
      expect(called.filter(name => name !== start && name !== status)).toEqual([]);
      // The answer as it came, or an error that says that the task may still run.
      if (typeof result === 'string') expect(['TIMEOUT', 'PROTOCOL_VIOLATION']).toContain(result);
      else if (JSON.stringify(result) !== JSON.stringify(resultOf(answer)))
        expect((result as { isError?: boolean }).isError === true).toBe(end === 'failed');
    }),
    { numRuns: RUNS },
  );
});
