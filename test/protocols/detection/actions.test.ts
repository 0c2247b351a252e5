import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { proposalsByStart } from '../../../src/protocols/detection/propose.js';
import { type Reply, ScriptedServer } from '../../fixtures/client/scripted-server.js';
import { resultOf } from '../../fixtures/detection/tool-lists.js';

interface ActionTool {
  readonly name: string;
  readonly actions: readonly string[];
  /** The argument for the handle. */
  readonly id: string;
  /** What else it takes. */
  readonly more?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly annotations?: Tool['annotations'];
}

const toolOf = ({ name, actions, id, more, required, description = '', annotations }: ActionTool): Tool => ({
  name,
  description,
  ...(annotations && { annotations }),
  inputSchema: {
    type: 'object',
    properties: { action: { type: 'string', enum: [...actions] }, [id]: { type: 'string' }, ...more },
    required: ['action', ...(required ?? [])],
  },
});

interface Play {
  readonly tools: readonly Tool[];
  readonly call: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
  readonly answer: unknown;
  /** What a call of a looking action is answered with, one after another; the last again and again. */
  readonly told?: readonly unknown[];
  readonly options?: { readonly detectActions?: boolean };
}

async function play({ tools, call, answer, told = [], options }: Play) {
  let asked = 0;
  const reply: Reply = ({ arguments: given }) => {
    const isStart = JSON.stringify(given) === JSON.stringify(call.arguments);
    if (isStart) return resultOf(answer);
    return resultOf(told[Math.min(asked++, told.length - 1)] ?? 'nobody may ask');
  };
  const server = await ScriptedServer.connect(Object.fromEntries(tools.map(({ name }) => [name, reply])), {
    definitions: Object.fromEntries(tools.map(tool => [tool.name, tool])),
  });
  const client = new AwaitClient(server.client, { initialIntervalMs: 1, maxAttempts: 5, ...options });
  const result = await client.callTool(call);
  await client.close();
  return { result, calls: server.calls.map(({ tool, arguments: given }) => [tool, given]) };
}

const jobs = toolOf({ name: 'manage_job', actions: ['submit', 'status', 'cancel', 'list'], id: 'job_id' });
const running = { job_id: 'j-17', status: 'running' };
const done = { job_id: 'j-17', status: 'completed', result: 'FINAL' };
const submit = { name: 'manage_job', arguments: { action: 'submit' } };

describe('the actions of one tool', () => {
  test('are a pair where one starts work and another tells its state', async () => {
    const { result, calls } = await play({
      tools: [jobs],
      call: submit,
      answer: { job_id: 'j-17', status: 'queued' },
      told: [running, running, done],
    });
    expect(result).toEqual(resultOf(done));
    const looks = calls.slice(1);
    expect(looks.length).toBeGreaterThanOrEqual(3);
    for (const look of looks) expect(look).toEqual(['manage_job', { action: 'status', job_id: 'j-17' }]);
  });

  test('tell the failure of the work', async () => {
    const { result } = await play({
      tools: [jobs],
      call: submit,
      answer: { job_id: 'j-17', status: 'queued' },
      told: [running, { job_id: 'j-17', status: 'failed', error: 'BROKEN' }],
    });
    expect(result).toMatchObject({ isError: true, structuredContent: { error: { message: 'BROKEN' } } });
  });

  test('are none with `detectActions: false`', async () => {
    const answer = { job_id: 'j-17', status: 'queued' };
    const options = { detectActions: false };
    const { result, calls } = await play({ tools: [jobs], call: submit, answer, options });
    expect(result).toEqual(resultOf(answer));
    expect(calls).toHaveLength(1);
  });

  test('come after tools of their own', () => {
    const own: Tool = {
      name: 'get_job_status',
      inputSchema: { type: 'object', properties: { job_id: { type: 'string' } }, required: ['job_id'] },
    };
    const [first] = proposalsByStart([jobs, own]).get('manage_job') ?? [];
    expect(first).toMatchObject({ status: 'get_job_status', action: undefined });
  });
});

describe('actions of one tool that only look like a pair', () => {
  const called = (name: string, action: string, more = {}) => ({ name, arguments: { action, ...more } });
  const crud = ['create', 'get', 'update', 'delete', 'list'];
  test.each<[string, Omit<ActionTool, 'id'> & { id?: string }, string, unknown, Record<string, unknown>?]>([
    ['records', { name: 'issue', actions: crud }, 'create', { id: 'i-1', status: 'open' }],
    ['records that wait', { name: 'order', actions: crud }, 'create', { id: 'o-1', status: 'pending' }],
    ['what nobody knows', { name: 'widget', actions: crud }, 'create', { id: 'w-1', status: 'pending' }],
    [
      'what lasts',
      { name: 'server', actions: ['start', 'status', 'stop'] },
      'start',
      { id: 's-1', status: 'starting' },
    ],
    ['what people move on', { name: 'task', actions: crud }, 'create', { id: 't-1', status: 'pending' }],
    [
      'pages of a browser',
      { name: 'browser', actions: ['navigate', 'get', 'click'] },
      'navigate',
      { id: 'tab-1', status: 'loading' },
    ],
    [
      'a look',
      { name: 'job', actions: ['status', 'check', 'cancel'] },
      'check',
      { id: 'j-1', status: 'running' },
    ],
    ['an end', { name: 'job', actions: ['cancel', 'status'] }, 'cancel', { id: 'j-1', status: 'cancelling' }],
    ['an edit', { name: 'job', actions: ['update', 'status'] }, 'update', { id: 'j-1', status: 'running' }],
    [
      'words that only resemble',
      { name: 'job', actions: ['submit', 'status_report_delete', 'checkout'] },
      'submit',
      { id: 'j-1', status: 'running' },
    ],
    [
      'a look that needs more',
      { name: 'job', actions: ['submit', 'status'], required: ['secret'], more: { secret: {} } },
      'submit',
      { id: 'j-1', status: 'running' },
      { secret: 'x' },
    ],
    [
      'what is marked as destructive',
      { name: 'job', actions: ['submit', 'status'], annotations: { destructiveHint: true } },
      'submit',
      { id: 'j-1', status: 'running' },
    ],
    [
      'several handles',
      { name: 'job', actions: ['submit', 'status'], more: { parent_id: {} } },
      'submit',
      { id: 'j-1', status: 'running' },
    ],
    [
      'an answer that is done',
      { name: 'job', actions: ['submit', 'status'] },
      'submit',
      { id: 'j-1', status: 'completed' },
    ],
    ['an answer without a state', { name: 'job', actions: ['submit', 'get'] }, 'submit', { id: 'j-1' }],
    [
      'the handle that was given',
      { name: 'job', actions: ['restart', 'submit', 'status'] },
      'submit',
      { id: 'j-1', status: 'running' },
      { id: 'j-1' },
    ],
  ])('%s', async (_what, tool, action, answer, more = {}) => {
    const tools = [toolOf({ id: 'id', ...tool })];
    const { result, calls } = await play({ tools, call: called(tool.name, action, more), answer });
    expect(result).toEqual(resultOf(answer));
    expect(calls).toHaveLength(1);
  });

  test('what a probe answers without the handle', async () => {
    const answer = { job_id: 'j-17', status: 'queued' };
    const told = [{ status: 'running' }];
    const { result, calls } = await play({ tools: [jobs], call: submit, answer, told });
    expect(result).toEqual(resultOf(answer));
    expect(calls).toHaveLength(2);
  });

  test('arguments of other names choose no action', () => {
    const { inputSchema } = jobs;
    const { action, ...others } = inputSchema.properties ?? {};
    for (const name of ['method', 'mode', 'type', 'format']) {
      const tool: Tool = {
        name: 'manage_job',
        inputSchema: {
          ...inputSchema,
          properties: { ...others, [name]: action as object },
          required: [name],
        },
      };
      expect(proposalsByStart([tool]).size).toBe(0);
    }
  });
});
