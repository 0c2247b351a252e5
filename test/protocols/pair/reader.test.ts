import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../../../src/errors.js';
import { argumentsOf, collectArguments, dataOf, valuesAt } from '../../../src/protocols/pair/answer-data.js';
import { readStartAnswer, readStatusAnswer } from '../../../src/protocols/pair/answers.js';
import { idsIn, readHandle } from '../../../src/protocols/pair/handle.js';
import { labelled } from '../../../src/protocols/pair/labels.js';
import { type PairProfile, pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { readRefusal } from '../../../src/protocols/pair/refused-status.js';
import { fold, meaningOf } from '../../../src/protocols/pair/words.js';

const text = (...texts: string[]): CallToolResult => ({
  content: texts.map(each => ({ type: 'text', text: each })),
});
const structured = (structuredContent: Record<string, unknown>): CallToolResult => ({
  content: [],
  structuredContent,
});
const failing = (answer: CallToolResult): CallToolResult => ({ ...answer, isError: true });

function pair(status: Partial<PairProfile['status']> = {}, start: Partial<PairProfile['start']> = {}) {
  return pairProfileSchema.parse({
    name: 'p',
    start: { tool: 'start', handleAt: 'id', ...start },
    status: { tool: 'check', handleArgument: 'id', ...status },
  });
}

describe('data of an answer', () => {
  test.each<[string, CallToolResult]>([
    ['structured content', structured({ id: 7 })],
    ['JSON in a text', text('{"id":7}')],
    ['JSON in the second text', text('Started.', '{"id":7}')],
    ['fenced JSON', text('Here it is:\n```json\n{"id":7}\n```\nBye.')],
    ['JSON behind a sentence', text('Task created: {"id":7}')],
    ['an extra key of the answer', { ...text('Started.'), id: 7 }],
  ])('is found as %s', (_where, answer) => {
    expect(valuesAt(dataOf(answer), 'id')).toEqual([7]);
  });

  test('of structured content is believed before text, and text before extra keys', () => {
    const answer = {
      ...structured({ id: 1 }),
      content: [{ type: 'text' as const, text: '{"id":2,"more":3}' }],
      id: 4,
      most: 5,
    };
    expect(['id', 'more', 'most'].map(key => valuesAt(dataOf(answer), key))).toEqual([[1], [3], [5]]);
  });

  test.each<[string, unknown[]]>([
    ['a.b', [1]],
    ['list.*.id', [1, 2]],
    ['list.1.id', [2]],
    ['*.id', []],
    ['none', []],
    ['a.b.c', []],
    ['toString', []],
    ['empty', []],
  ])('at %s is %j', (path, expected) => {
    const answer = structured({ a: { b: 1 }, list: [{ id: 1 }, { id: 2 }], empty: null });
    expect(valuesAt(dataOf(answer), path)).toEqual(expected);
  });

  test('may be a list', () => {
    expect(valuesAt(dataOf(text('[{"id":1},{"id":2}]')), '*.id')).toEqual([1, 2]);
  });
});

describe('a label in a text', () => {
  test.each<[string, string, string[]]>([
    ['Task ID: abc-1', 'task id', ['abc-1']],
    ['submitted: Task ID: 42. Please use it', 'Task ID', ['42. Please use it']],
    ['**Task ID:** `abc`', 'Task ID', ['abc']],
    ['| **Task ID** | `abc` | x |', 'Task ID', ['abc']],
    ['Task ID = abc', 'Task ID', ['abc']],
    ['Process started with PID 77 (shell: sh)', 'PID', ['77 (shell: sh)']],
    ['Task ID: a\nTask ID: b', 'Task ID', ['a', 'b']],
    ['poll with the task ID you were given', 'task ID', []],
    ['RAPID 7', 'PID', []],
    ['Task IDs', 'Task ID', []],
    ['Task ID:', 'Task ID', []],
    // A heading that ends in the label, with and without another label below it.
    ['Crawl Status:\nStatus: scraping\nProgress: 1/3', 'Status', ['scraping']],
    ['Crawl Status:\n\n**State**: scraping', 'Status', []],
    ['**Status**\n\nscraping step 2', 'Status', ['scraping step 2']],
    ['Status:\n\nscraping', 'Status', ['scraping']],
    [`Status:${'\n'.repeat(2000)}scraping`, 'Status', []],
  ])('%j behind %j: %j', (line, label, values) => {
    expect(labelled(line, label)).toEqual(values);
  });
});

describe('handles', () => {
  test.each<
    [string, CallToolResult, PairProfile['start']['handleAt'], 'string' | 'number' | undefined, unknown[]]
  >([
    ['a number stays one', structured({ id: 7 }), 'id', undefined, [7]],
    ['a number becomes text where text is wanted', structured({ id: 7 }), 'id', 'string', ['7']],
    ['text becomes a number where one is wanted', text('PID 7 (shell)'), { label: 'PID' }, 'number', [7]],
    [
      'a sentence ends before its dot',
      text('Task ID: a.b-c. Please'),
      { label: 'Task ID' },
      'string',
      ['a.b-c'],
    ],
    ['the first place that has one', structured({ task: { id: 'x' } }), ['id', 'task.id'], undefined, ['x']],
    ['a list of them', structured({ ids: ['a', 'b', 'a'] }), 'ids', undefined, ['a', 'b']],
    ['one in each of a list', structured({ r: [{ t: 'a' }, { t: 'b' }] }), 'r.*.t', undefined, ['a', 'b']],
    ['no empty ones', structured({ id: '' }), 'id', undefined, []],
    ['no objects', structured({ id: { x: 1 } }), 'id', undefined, []],
  ])('%s', (_name, answer, handleAt, type, expected) => {
    const statusTool = {
      name: 'check',
      inputSchema: { type: 'object' as const, properties: { id: type === undefined ? {} : { type } } },
    };
    expect(idsIn(dataOf(answer), pair({}, { handleAt }), { statusTool })).toEqual(expected);
  });
});

describe('status words', () => {
  test.each<[string, string | undefined]>([
    ['COMPLETED', 'completed'],
    ['Succeeded', 'completed'],
    ['in-progress', 'working'],
    ['inProgress', 'working'],
    ['IN PROGRESS', 'working'],
    ['NOT_STARTED', 'working'],
    ['TIMED-OUT', 'failed'],
    ['canceled', 'cancelled'],
    ['Aborted', 'cancelled'],
    ['CREATE_TASK_FAILED', 'failed'],
    ['SENSITIVE_WORD_ERROR', 'failed'],
    ['requires_action', 'input_required'],
    ['FIRST_SUCCESS', undefined],
    ['not completed', undefined],
    ['ready', undefined],
    ['active', undefined],
    ['constructor', undefined],
    ['', undefined],
  ])('%j means %j', (word, meaning) => {
    expect(meaningOf(word, { own: {} })).toBe(meaning);
  });

  test('READY is an end under readyState alone', () => {
    expect(meaningOf('READY', { key: 'readyState', own: {} })).toBe('completed');
    expect(meaningOf('READY', { key: 'status', own: {} })).toBeUndefined();
  });

  test("the profile's own words count before all others", () => {
    expect(meaningOf('Done-ish', { own: { 'done ish': 'completed' } })).toBe('completed');
    expect(meaningOf('completed', { own: { COMPLETED: 'working' } })).toBe('working');
  });

  test('no string but a known word ends a wait', () => {
    fc.assert(
      fc.property(fc.string(), word => {
        const meaning = meaningOf(word, { own: {} });
        if (meaning === 'completed') expect(fold(word)).toMatch(/compl|done|finish|succe/);
      }),
    );
  });
});

describe('a status answer', () => {
  const word = pair({ statusAt: ['status', 'data.status'], errorAt: 'error', exitCodeAt: 'exit_code' });

  test.each<[string, ReturnType<typeof pair>, CallToolResult, string]>([
    ['a word', word, structured({ status: 'RUNNING' }), 'working'],
    ['a word one level down', word, structured({ data: { status: 'done' } }), 'completed'],
    ['a numeric `completed` beside it', word, structured({ status: 'scraping', completed: 9 }), 'working'],
    ['a failure beside success: true', word, structured({ success: true, status: 'failed' }), 'failed'],
    ['an exit code', word, structured({ status: 'completed', exit_code: 3 }), 'failed'],
    ['exit code 0', word, structured({ status: 'completed', exit_code: 0 }), 'completed'],
    ['an exit code of a process that runs', word, structured({ status: 'running', exit_code: 1 }), 'working'],
    ['exited with 0', word, structured({ status: 'exited', exit_code: 0 }), 'completed'],
    ['exited with 2', word, structured({ status: 'exited', exit_code: 2 }), 'failed'],
    ['exited with who knows what', word, structured({ status: 'exited' }), 'working'],
    ['an error beside the word', word, structured({ status: 'completed', error: 'no disk' }), 'failed'],
    ['an empty error beside the word', word, structured({ status: 'completed', error: '' }), 'completed'],
    ['success: false beside the word', word, structured({ status: 'completed', success: false }), 'failed'],
    ['an error of a running task', word, structured({ status: 'running', error: 'retrying' }), 'working'],
    [
      'a list of which one runs',
      pair({ statusAt: 'jobs.*.state' }),
      structured({ jobs: [{ state: 'done' }, { state: 'queued' }] }),
      'working',
    ],
    [
      'a list of which all are done',
      pair({ statusAt: 'jobs.*.state' }),
      structured({ jobs: [{ state: 'done' }, { state: 'success' }] }),
      'completed',
    ],
    [
      'a list of which one failed',
      pair({ statusAt: 'jobs.*.state' }),
      structured({ jobs: [{ state: 'done' }, { state: 'error' }] }),
      'failed',
    ],
    [
      'a list with an unknown word',
      pair({ statusAt: 'jobs.*.state' }),
      structured({ jobs: [{ state: 'done' }, { state: 'odd' }] }),
      'working',
    ],
    ['done: false', pair({ statusAt: 'done' }), structured({ done: false }), 'working'],
    ['done: true', pair({ statusAt: 'done' }), structured({ done: true }), 'completed'],
    [
      'done: true, with an error',
      pair({ statusAt: 'done' }),
      structured({ done: true, error: { message: 'no' } }),
      'failed',
    ],
    [
      'a phrase',
      pair({ says: { working: ['still'], completed: ['Success'] } }),
      text('Success? It is STILL busy'),
      'working',
    ],
    [
      'a phrase for the end',
      pair({ says: { working: ['still'], completed: ['Success'] } }),
      text('success. URL: x'),
      'completed',
    ],
    [
      'a word behind a label',
      pair({ statusAt: { label: 'Status' } }),
      text('| **Status** | ✅ Completed |'),
      'completed',
    ],
    ['an isError answer', word, failing(text('It broke')), 'failed'],
    ['an isError answer with a word', word, failing(structured({ status: 'cancelled' })), 'cancelled'],
    [
      'an isError answer about a time-out of the task',
      word,
      failing(structured({ status: 'failed', error: 'try again' })),
      'failed',
    ],
  ])('with %s', (_what, profile, answer, expected) => {
    const read = readStatusAnswer(answer, profile, 'x');
    expect(read.kind === 'ended' ? read.outcome.status : read.status).toBe(expected);
  });

  test.each<[string, CallToolResult, unknown]>([
    ['no state', structured({ id: 'x' }), ProtocolViolationError],
    ['a bare text', text('Have a nice day'), ProtocolViolationError],
    ['a rate limit', failing(text('Error: rate limit exceeded')), StatusCheckError],
    [
      'a rate limit without the flag',
      structured({ success: false, error: '429 Too Many Requests' }),
      StatusCheckError,
    ],
    ['no such task', failing(text('Task x not found')), TaskNotFoundError],
    ['an unknown job', failing(structured({ success: false, error: 'Unknown job' })), TaskNotFoundError],
  ])('with %s is no state', (_what, answer, type) => {
    expect(() => readStatusAnswer(answer, word, 'x')).toThrow(type as new () => Error);
  });

  test('about another task is refused', () => {
    const profile = pair({ statusAt: 'status', handleAt: 'id' });
    expect(() => readStatusAnswer(structured({ id: 'y', status: 'completed' }), profile, 'x')).toThrow(
      /about x and answered about y/,
    );
    expect(readStatusAnswer(structured({ id: 7, status: 'done' }), profile, '7').kind).toBe('ended');
  });

  test('names an unknown word', () => {
    expect(readStatusAnswer(structured({ status: 'reticulating' }), word, 'x')).toMatchObject({
      kind: 'running',
      unknownWord: 'reticulating',
    });
  });

  test('hands over message, progress and hints', () => {
    const profile = pair({
      statusAt: 's',
      messageAt: 'm',
      progressAt: 'p',
      totalAt: 't',
      pollAfterSecondsAt: 'r',
    });
    expect(
      readStatusAnswer(structured({ s: 'running', m: 'busy', p: 3, t: 9, r: '2' }), profile, 'x'),
    ).toMatchObject({
      message: 'busy',
      progress: { progress: 3, total: 9 },
      hintMs: 2000,
    });
    expect(readStatusAnswer(structured({ s: 'running', p: '40%' }), profile, 'x')).toMatchObject({
      progress: { progress: 40, total: 100 },
    });
  });
});

test.each<[string | { label: string }, unknown, object | undefined]>([
  ['percent', 40, { progress: 40, total: 100 }],
  ['job.percent_complete', '40', { progress: 40, total: 100 }],
  ['progress', 40, { progress: 40, total: 100 }],
  ['progress', 0.4, { progress: 40, total: 100 }],
  ['progress', 400, { progress: 400 }],
  ['progress', '3 of 10 frames', { progress: 3, total: 10 }],
  ['progress', ' 40.5 % done', { progress: 40.5, total: 100 }],
  ['progress', { progress: 1, total: 2 }, { progress: 1, total: 2 }],
  ['progress', 'soon', undefined],
  ['frames', 40, { progress: 40 }],
  [{ label: 'Progress' }, 40, { progress: 40, total: 100 }],
])('progress at %j, of %j', (progressAt, value, expected) => {
  const profile = pair({ statusAt: 's', progressAt });
  const [key = '', inner] = typeof progressAt === 'string' ? progressAt.split('.') : [];
  const data = inner === undefined ? { [key]: value } : { [key]: { [inner]: value } };
  const answer =
    typeof progressAt === 'string'
      ? structured({ s: 'running', ...data })
      : { ...structured({ s: 'running' }), content: [{ type: 'text' as const, text: `Progress: ${value}` }] };
  const read = readStatusAnswer(answer, profile, 'x');
  expect('progress' in read ? read.progress : undefined).toEqual(expected);
});

test('a number of progress goes up to the total that is told', () => {
  const profile = pair({ statusAt: 's', progressAt: 'progress', totalAt: 'total' });
  const read = (data: object) => readStatusAnswer(structured({ s: 'running', ...data }), profile, 'x');
  expect(read({ progress: 40, total: '80' })).toMatchObject({ progress: { progress: 40, total: 80 } });
  expect(read({ progress: 40 })).toMatchObject({ progress: { progress: 40 } });
});

test.each<[string, string]>([
  ['Task 12 failed: unknown error', 'failed'],
  ['The input file was not found', 'failed'],
  ['Invalid audio', 'failed'],
  ['Job timed out after 3600 s', 'failed'],
  ['Request timed out', 'transient'],
  ['503 Service Unavailable', 'transient'],
  ['Results are not ready yet', 'transient'],
  ['No such job', 'not-found'],
  ['12 does not exist', 'not-found'],
  ['Execution with ID 12 not found', 'not-found'],
  ['video_id not found', 'not-found'],
])('the error %j of a status tool means %s', (message, meaning) => {
  expect(readRefusal(message, ['12', 'video_id'])).toBe(meaning);
});

describe('the result', () => {
  const image = { type: 'image' as const, data: 'AA==', mimeType: 'image/png' };
  const link = { type: 'resource_link' as const, uri: 'file:///a', name: 'a' };

  test('is the whole answer, with images and links', () => {
    const answer = { content: [{ type: 'text' as const, text: '{"status":"done"}' }, image, link] };
    const read = readStatusAnswer(answer, pair({ statusAt: 'status' }), 'x');
    expect(read).toMatchObject({ outcome: { status: 'completed', result: answer } });
  });

  test.each<[string, unknown, object]>([
    ['an object stays structured', { a: 1 }, { structuredContent: { a: 1 } }],
    ['a text is the text', 'Hello', { content: [{ type: 'text', text: 'Hello' }, image] }],
    [
      'a tool result is itself',
      { content: [{ type: 'text', text: 'in' }] },
      { content: [{ type: 'text', text: 'in' }] },
    ],
  ])('may be a part: %s', (_what, out, expected) => {
    const answer = { content: [image], structuredContent: { status: 'done', out } };
    expect(readStatusAnswer(answer, pair({ statusAt: 'status', resultAt: 'out' }), 'x')).toMatchObject({
      outcome: { status: 'completed', result: expected },
    });
  });

  test('that is itself an error is a failure', () => {
    const out = { content: [{ type: 'text', text: 'no' }], isError: true };
    const answer = structured({ status: 'done', out });
    expect(readStatusAnswer(answer, pair({ statusAt: 'status', resultAt: 'out' }), 'x')).toMatchObject({
      outcome: { status: 'failed' },
    });
  });

  test('of a failure is all that the server said, marked as an error, with its status and error as data', () => {
    const answer = structured({ success: true, status: 'failed', error: 'no credits', logs: ['a'] });
    expect(readStatusAnswer(answer, pair({ statusAt: 'status' }), 'x')).toMatchObject({
      outcome: {
        status: 'failed',
        error: { code: 'TASK_FAILED', message: 'no credits' },
        result: {
          content: answer.content,
          isError: true,
          structuredContent: {
            success: true,
            status: 'failed',
            error: { code: 'TASK_FAILED', message: 'no credits' },
            logs: ['a'],
          },
        },
      },
    });
  });
});

describe('the answer to a start', () => {
  const profile = pair({
    statusAt: 'status',
    arguments: { region: { call: 'where.region' }, of: { answer: 'project' } },
  });
  const call = { name: 'start', arguments: { where: { region: 'eu' } } };
  const read = (answer: CallToolResult, given = profile) =>
    readStartAnswer(answer, given, { call, statusTool: undefined });

  test('carries what later calls have to say', () => {
    expect(read(structured({ id: 'x', project: 'p1' }))).toMatchObject({
      kind: 'running',
      handle: { pair: 'p', ids: ['x'], status: { region: 'eu', of: 'p1' }, profile: { name: 'p' } },
    });
  });

  test.each(['success', 'completed', 'ok'])('with a handle and `status: %s` is no end', status => {
    expect(read(structured({ success: true, id: 'x', status }))).toMatchObject({ kind: 'running' });
  });

  test('without a handle is the result', () => {
    const answer = structured({ report: 'all of it' });
    expect(read(answer)).toMatchObject({ kind: 'ended', outcome: { status: 'completed', result: answer } });
  });

  test('without a handle may be a failure', () => {
    expect(read(structured({ status: 'failed' }))).toMatchObject({ outcome: { status: 'failed' } });
    expect(read(failing(text('no credits')))).toMatchObject({ outcome: { status: 'failed' } });
  });

  test('without a handle never passes a running task off as a result', () => {
    expect(() => read(structured({ status: 'pending' }))).toThrow(ProtocolViolationError);
  });

  test('with a handle that is too long for a reference is refused', () => {
    expect(() => read(structured({ id: 'x', project: 'y'.repeat(70_000) }))).toThrow(/too long/);
  });
});

describe('a handle that is read back', () => {
  const handle = { pair: 'p', ids: ['x'], profile: pair({ statusAt: 'status' }) };

  test('has its profile', () => {
    expect(readHandle(JSON.parse(JSON.stringify(handle))).profile).toEqual(handle.profile);
    expect(readHandle({ pair: 'apify', ids: ['x'] }).profile.name).toBe('apify');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no ids', { ...handle, ids: [] }],
    ['too many ids', { ...handle, ids: Array(51).fill('x') }],
    ['a profile that is none', { ...handle, profile: { name: 'p' } }],
    [
      'a path into the prototype',
      {
        ...handle,
        profile: pair() && { ...handle.profile, status: { tool: 'a', handleArgument: '__proto__.x' } },
      },
    ],
    ['more than a reference may hold', { ...handle, status: { a: 'x'.repeat(70_000) } }],
    ['an unknown profile', { pair: 'nobody', ids: ['x'] }],
    ['further keys', { ...handle, surprise: 1 }],
  ])('is refused with %s', (_what, bad) => {
    expect(() => readHandle(bad)).toThrow(TaskNotFoundError);
  });
});

describe('arguments', () => {
  test('are put where their paths lead, without changing what the caller gave', () => {
    const given = { params: { orgId: 'o' } };
    expect(argumentsOf(given, { 'params.jobId': 7, 'params.orgId': 'other', x: 1 })).toEqual({
      params: { orgId: 'o', jobId: 7 },
      x: 1,
    });
    expect(given).toEqual({ params: { orgId: 'o' } });
  });

  test('come from the call, the answer or the profile', () => {
    const sources = { a: { call: 'x.y' }, b: { answer: 'z' }, c: { value: 3 }, d: { call: 'none' } };
    expect(
      collectArguments(sources, { call: { x: { y: 1 } }, answer: dataOf(structured({ z: 2 })) }),
    ).toEqual({ a: 1, b: 2, c: 3 });
  });
});

test('whatever a server answers, a reader answers in the contract or throws one of our errors', () => {
  const anyAnswer = fc.record(
    {
      content: fc.array(
        fc.record({ type: fc.constant('text' as const), text: fc.oneof(fc.string(), fc.json()) }),
      ),
      structuredContent: fc.dictionary(fc.string(), fc.jsonValue()),
      isError: fc.boolean(),
    },
    { requiredKeys: ['content'] },
  );
  const profile = pair({
    statusAt: ['status', { label: 'Status' }],
    says: { completed: ['ok'] },
    exitCodeAt: 'code',
    errorAt: 'error',
  });
  fc.assert(
    fc.property(anyAnswer, answer => {
      try {
        expect(['running', 'ended']).toContain(readStatusAnswer(answer as CallToolResult, profile, 'x').kind);
      } catch (error) {
        expect([ProtocolViolationError, StatusCheckError, TaskNotFoundError]).toContain(
          (error as Error).constructor,
        );
      }
    }),
  );
});
