import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { type Mutation, mutation } from './odd-values.js';

type Json = Readonly<Record<string, unknown>>;

/** What a proper server answers, in this kind of conversation. @param count how often the method was asked before */
type Answer = (params: Json, count: number) => unknown;

/** A proper server of one kind: what is asked of it, and its answers by method. */
export interface Conversation {
  readonly revision: '2025-11-25' | '2026-07-28';
  readonly call: { readonly name: string; readonly arguments: Json };
  readonly answers: Readonly<Record<string, Answer>>;
}

const TASK_ID = 'task-1';
const text = (value: unknown) => ({
  content: [
    { type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) },
    { type: 'resource_link', uri: 'task://1', name: 'the task' },
  ],
  ...(typeof value === 'object' && { structuredContent: value }),
  _meta: { 'io.modelcontextprotocol/related-task': { taskId: TASK_ID } },
});
const taskIn = (status: string, fields: Json = {}) => ({
  taskId: TASK_ID,
  status,
  statusMessage: 'Going on.',
  ttl: 60_000,
  createdAt: '2026-01-01T00:00:00Z',
  lastUpdatedAt: '2026-01-01T00:00:00Z',
  pollInterval: 500,
  pollIntervalMs: 500,
  ...fields,
});
const steps =
  (...given: readonly unknown[]): Answer =>
  (_, count) =>
    given[Math.min(count, given.length - 1)];
const tool = (name: string, fields: Partial<Tool> = {}): Tool => ({
  name,
  description: `Does ${name}, and returns its id at once; ask for its status by it.`,
  inputSchema: { type: 'object', properties: { id: { type: 'string', 'x-mcp-header': 'Id' } as object } },
  annotations: { title: name, idempotentHint: true },
  ...fields,
});
const toolNamed = ({ name }: Json, answers: Readonly<Record<string, unknown>>) =>
  Object.hasOwn(answers, String(name)) ? answers[String(name)] : text('There is no such tool.');

const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  logging: {},
  tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
  extensions: { 'io.modelcontextprotocol/tasks': {} },
};
const elicitation = {
  method: 'elicitation/create',
  params: {
    message: 'Which one?',
    requestedSchema: { type: 'object', properties: { it: { type: 'string' } } },
  },
};
const usual: Readonly<Record<string, Answer>> = {
  'server/discover': () => undefined,
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities,
    serverInfo: { name: 'fuzz', version: '1', title: 'Fuzz' },
    instructions: 'Be kind.',
  }),
  ping: () => ({}),
  'resources/list': () => ({ resources: [{ uri: 'a://b', name: 'b', mimeType: 'text/plain' }] }),
  'resources/templates/list': () => ({ resourceTemplates: [{ uriTemplate: 'a://{b}', name: 'b' }] }),
  'resources/read': () => ({ contents: [{ uri: 'a://b', text: 'b' }] }),
  'resources/subscribe': () => ({}),
  'prompts/list': () => ({ prompts: [{ name: 'b', arguments: [{ name: 'c', required: true }] }] }),
  'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'b' } }] }),
  'completion/complete': () => ({ completion: { values: ['b'], total: 1, hasMore: false } }),
  'logging/setLevel': () => ({}),
  'tasks/cancel': () => taskIn('cancelled'),
  'tasks/update': () => ({}),
};
const newer: Readonly<Record<string, Answer>> = {
  ...usual,
  'server/discover': () => ({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities,
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'fuzz', version: '1' } },
  }),
};

const research = { name: 'research', arguments: { id: 'x' } };
const job = { job_id: 'job-1', status: 'queued', eta_seconds: 1, poll_after_ms: 300 };
const looking = steps(
  text({ ...job, status: 'running', progress: 0.4 }),
  text({ ...job, status: 'done', url: 'a' }),
);
const bundled = { task_ref: 'ref-1', status: 'processing', result: null, error: null, retry_after_ms: 300 };
const bundledLook = steps(
  text({ ...bundled, progress: { progress: 1, total: 2, message: 'Half.' } }),
  text({ ...bundled, status: 'completed', result: { answer: 42 } }),
);

export const conversations: Readonly<Record<string, Conversation>> = {
  sync: {
    revision: '2025-11-25',
    call: research,
    answers: {
      ...usual,
      'tools/list': () => ({
        tools: [tool('research', { outputSchema: { type: 'object' } }), tool('other')],
      }),
      'tools/call': () => text({ answer: 42 }),
    },
  },
  olderTask: {
    revision: '2025-11-25',
    call: research,
    answers: {
      ...usual,
      'tools/list': () => ({ tools: [tool('research', { execution: { taskSupport: 'required' } })] }),
      'tools/call': () => ({ task: taskIn('working') }),
      'tasks/get': steps(taskIn('working'), taskIn('input_required'), taskIn('completed')),
      'tasks/result': () => text({ answer: 42 }),
    },
  },
  newerTask: {
    revision: '2026-07-28',
    call: research,
    answers: {
      ...newer,
      'tools/list': () => ({ resultType: 'complete', tools: [tool('research')], ttlMs: 1000 }),
      'tools/call': () => ({ resultType: 'task', ...taskIn('working') }),
      'tasks/get': steps(
        taskIn('working'),
        taskIn('input_required', { inputRequests: { a: elicitation } }),
        taskIn('completed', { result: { resultType: 'complete', ...text({ answer: 42 }) } }),
      ),
    },
  },
  newerFailure: {
    revision: '2026-07-28',
    call: research,
    answers: {
      ...newer,
      'tools/list': () => ({ tools: [tool('research')] }),
      'tools/call': () => ({ resultType: 'task', ...taskIn('working') }),
      'tasks/get': steps(
        taskIn('working'),
        taskIn('failed', { error: { code: -32001, message: 'No.', data: { code: 'NO', retryable: false } } }),
      ),
    },
  },
  newerQuestion: {
    revision: '2026-07-28',
    call: research,
    answers: {
      ...newer,
      'tools/list': () => ({ tools: [tool('research')] }),
      'tools/call': steps(
        { resultType: 'input_required', inputRequests: { a: elicitation }, requestState: 'state' },
        { resultType: 'complete', ...text({ answer: 42 }) },
      ),
    },
  },
  pair: {
    revision: '2025-11-25',
    call: { name: 'start_job', arguments: {} },
    answers: {
      ...usual,
      'tools/list': () => ({ tools: [tool('start_job'), tool('get_job_status'), tool('cancel_job')] }),
      'tools/call': (params, count) =>
        toolNamed(params, { start_job: text(job), get_job_status: looking(params, Math.max(count - 1, 0)) }),
    },
  },
  prosePair: {
    revision: '2025-11-25',
    call: { name: 'start_job', arguments: {} },
    answers: {
      ...usual,
      'tools/list': () => ({
        tools: [
          tool('start_job', { inputSchema: { type: 'object' } }),
          tool('get_job_status', {
            inputSchema: { type: 'object', properties: { job_id: { type: 'string' } }, required: ['job_id'] },
          }),
        ],
      }),
      'tools/call': (params, count) =>
        toolNamed(params, {
          start_job: text('Started. Job ID: job-1\nStatus: queued\nCall get_job_status in 1 second.'),
          get_job_status: text(count < 3 ? 'Job job-1\nStatus: running (40 %)' : 'Job job-1\nStatus: done'),
        }),
    },
  },
  bundledPair: {
    revision: '2025-11-25',
    call: { name: 'initiate_background_task', arguments: { operation_type: 'sleep', parameters: {} } },
    answers: {
      ...usual,
      'tools/list': () => ({
        tools: ['initiate_background_task', 'resolve_task_status', 'cancel_background_task'].map(name =>
          tool(name),
        ),
      }),
      'tools/call': (params, count) =>
        toolNamed(params, {
          initiate_background_task: text(bundled),
          resolve_task_status: bundledLook(params, Math.max(count - 1, 0)),
          cancel_background_task: text({ ...bundled, status: 'cancelled' }),
        }),
    },
  },
};

/** Those on which more rests come more often. */
const METHODS: readonly string[] = [
  ...Array(6).fill('tools/call'),
  ...Array(5).fill('tasks/get'),
  ...Array(3).fill('tools/list'),
  'server/discover',
  'initialize',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
  'resources/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'ping',
];

/** What is wrong with the answer to a method. */
export interface Fault {
  readonly method: string;
  /** Only of the first few answers, or of each. */
  readonly until: number;
  readonly kind: 'mutate' | 'silence' | 'twice' | 'refuse' | 'close' | 'noise' | 'otherId' | 'endlessPages';
  readonly mutations: readonly Mutation[];
}

const fault: fc.Arbitrary<Fault> = fc.record({
  method: fc.constantFrom(...METHODS),
  until: fc.constantFrom(1, 2, 1e9),
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('mutate' as const) },
    {
      weight: 4,
      arbitrary: fc.constantFrom('silence', 'twice', 'refuse', 'close', 'noise', 'otherId', 'endlessPages'),
    },
  ),
  mutations: fc.array(mutation, { minLength: 1, maxLength: 3 }),
});

const TRAFFIC: readonly Json[] = [
  ...['notifications/progress'].map(method => ({
    method,
    params: { progressToken: 2, progress: 0.5, total: 1, message: 'Half.' },
  })),
  { method: 'notifications/tasks/status', params: taskIn('working') },
  { method: 'notifications/tasks', params: taskIn('completed') },
  { method: 'notifications/message', params: { level: 'info', logger: 'x', data: 'told' } },
  { method: 'notifications/tools/list_changed', params: {} },
  { method: 'notifications/resources/updated', params: { uri: 'task://1' } },
  { method: 'notifications/resources/list_changed' },
  { method: 'notifications/prompts/list_changed' },
  { method: 'notifications/cancelled', params: { requestId: 2, reason: 'no' } },
  { method: 'notifications/elicitation/complete', params: { elicitationId: 'x' } },
  { method: 'notifications/subscriptions/acknowledged', params: { notifications: { taskIds: [TASK_ID] } } },
  { id: 1, method: 'ping' },
  { id: 's1', method: 'roots/list' },
  { id: 's2', ...elicitation, _meta: {} },
  {
    id: 's3',
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: 'x' } }], maxTokens: 1 },
  },
  { id: 's4', method: 'tasks/get', params: { taskId: TASK_ID } },
  { id: 's5', method: 'constructor', params: {} },
  { id: 1, result: {} },
  { id: 7, error: { code: -32603, message: 'late' } },
];

/** A message that nobody has asked for. */
export interface Unasked {
  /** It comes with the answers to this method. */
  readonly method: string;
  readonly message: Json;
  readonly mutations: readonly Mutation[];
  readonly times: number;
}

const unasked: fc.Arbitrary<Unasked> = fc.record({
  method: fc.constantFrom(...METHODS),
  message: fc.constantFrom(...TRAFFIC),
  mutations: fc.array(mutation, { maxLength: 2 }),
  times: fc.constantFrom(1, 1, 1, 30),
});

/** A server that is hostile, and what its client does. */
export interface HostileServer {
  readonly conversation: string;
  readonly faults: readonly Fault[];
  readonly unasked: readonly Unasked[];
  readonly use: 'call' | 'call' | 'cancel' | 'abort' | 'agent' | 'rest';
  readonly answersQuestions: boolean;
  readonly longPollMs: number;
}

export const hostileServer: fc.Arbitrary<HostileServer> = fc.record({
  conversation: fc.constantFrom(...Object.keys(conversations)),
  faults: fc.array(fault, { minLength: 1, maxLength: 4 }),
  unasked: fc.array(unasked, { maxLength: 3 }),
  use: fc.constantFrom('call', 'call', 'call', 'cancel', 'abort', 'agent', 'rest'),
  answersQuestions: fc.boolean(),
  longPollMs: fc.constantFrom(0, 2000),
});
