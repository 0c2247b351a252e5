import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { dataOf } from '../../../src/protocols/pair/answer-data.js';
import { bringsResult } from '../../../src/protocols/pair/answer-facts.js';
import { readStatusAnswer } from '../../../src/protocols/pair/answers.js';
import { findHandle } from '../../../src/protocols/pair/find-handle.js';
import { labelFacts } from '../../../src/protocols/pair/labels.js';
import { pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { progressOfFacts, readProgress } from '../../../src/protocols/pair/progress-facts.js';
import { readState } from '../../../src/protocols/pair/state.js';

const answerOf = (said: unknown): CallToolResult => ({
  content: [{ type: 'text', text: typeof said === 'string' ? said : JSON.stringify(said) }],
});
const pair = pairProfileSchema.parse({
  name: 'p',
  start: { tool: 'start_cake' },
  status: { tool: 'get_cake_status', handleArgument: 'cake_id' },
});

describe('the state of an answer of which nothing is told', () => {
  test.each<[string, unknown, string | undefined]>([
    ['a word', { status: 'baking', state: 'RUNNING' }, 'working'],
    ['a word with a noun of work before it', { status: 'success', job_status: 'DONE' }, 'completed'],
    ['the same, of a failure', { status: 'success', job_status: 'ERROR' }, 'failed'],
    ['a word in an envelope', { success: true, data: { status: 'queued' } }, 'working'],
    ['a word beside the handle', { ok: true, cake: { id: 'x-1', status: 'failed' } }, 'failed'],
    ['JSON:API', { data: { id: 'x-1', attributes: { status: 'pending' } } }, 'working'],
    ['the state of something else', { oven: { status: 'failed' }, cake_status: 'running' }, 'working'],
    ['only the state of something else', { oven: { status: 'completed' } }, undefined],
    ['an object with its word', { cake: { id: 'x-1', state: { code: 16, name: 'RUNNING' } } }, 'working'],
    ['the same, of an end', { id: 'x-1', status: { code: 'DONE', message: 'See the oven' } }, 'completed'],
    [
      'an object with its word, and how it went',
      { state: { name: 'COMPLETED', result: { name: 'FAILED' } } },
      'failed',
    ],
    ['a word beside an object with a name', { status: { state: 'done', name: 'my cake' } }, 'completed'],
    ['a word beside the name of a result', { status: 'done', result: { name: 'Error' } }, 'completed'],
    ['the name of a result alone', { result: { name: 'failed' } }, undefined],
    ['a list of others', { cakes: [{ status: 'done' }, { status: 'done' }] }, undefined],
    ['a list that has it', { cakes: [{ id: 'x-1', status: 'running' }, { status: 'done' }] }, 'working'],
    ['a list of states', { status_list: ['Done', 'Generating'] }, 'working'],
    ['a list of ends', { status_list: ['Done', 'Done'] }, 'completed'],
    ['a word for a sign-in', { status: 'auth-required' }, 'input_required'],
    ['a status of HTTP', { http_status: 'completed' }, undefined],
    ['a word that nobody knows', { status: 'proofing' }, 'unknown'],
    ['such a word beside flags', { status: 'cooling', is_finished: true, is_successful: true }, 'completed'],
    ['a conclusion', { status: 'completed', conclusion: 'failure' }, 'failed'],
    [
      'how it went beside that it stopped',
      { life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' },
      'completed',
    ],
    ['the same, of a failure', { life_cycle_state: 'TERMINATED', result_state: 'FAILED' }, 'failed'],
    [
      'a stop beside a result that is not there yet',
      { state: 'TERMINATED', result_state: null },
      'cancelled',
    ],
    ['a failure beside a good result', { status: 'failed', result_state: 'SUCCESS' }, 'failed'],
    ['a going on beside a good result', { status: 'running', result_state: 'SUCCESS' }, 'working'],
    ['a good exit', { status: 'stopped', exitstatus: 'OK' }, 'completed'],
    ['a bad one', { status: 'stopped', exitstatus: 'no such volume' }, 'failed'],
    ['a stop alone', { status: 'stopped' }, 'cancelled'],
    ['a stop with a good exit code', { status: 'stopped', exit_code: 0 }, 'completed'],
    ['a stop with a bad one', { status: 'stopped', exit_code: 2 }, 'failed'],
    [
      'an answer of MCP within the answer',
      { content: [{ type: 'text', text: '{"status":"running"}' }], isError: false },
      'working',
    ],
    ['tests that have passed', { status: 'completed', outcome: 'passed' }, 'completed'],
    ['tests that have not', { status: 'completed', outcome: 'failed' }, 'failed'],
    ['a value that begins with its enum', { state: 'CAKE_STATE_EXECUTING' }, 'working'],
    ['such an end', { state: 'CAKE_STATE_COMPLETED' }, 'completed'],
    ['such a word that nobody knows', { state: 'CAKE_STATE_UNSPECIFIED' }, 'unknown'],
    ['a value with the class of its enum', { status: 'CakeStatus.RUNNING' }, 'working'],
    ['such an end', { state: 'Cake::State::Done' }, 'completed'],
    ['such a word that nobody knows', { state: 'CakeStatus.PROOFED' }, 'unknown'],
    ['an object of progress', { success: true, progress: { status: 'running', progress: 0.3 } }, 'working'],
    ['its end', { success: true, progress: { status: 'completed' } }, 'completed'],
    ['the same beside the request', { status: 'success', progress: { status: 'running' } }, 'working'],
    ['an old object of progress beside an end', { status: 'done', progress: { done: false } }, 'completed'],
    ['a word of progress', { executionProgress: 'RUNNING' }, 'working'],
    ['such words of an end', { executionProgress: 'COMPLETE', completionStatus: 'FAILED' }, 'failed'],
    ['an old word of progress beside an end', { status: 'completed', progress: 'running' }, 'completed'],
    ['an end beside the name of a phase', { status: 'completed', currentPhase: 'cleanup' }, 'completed'],
    ['the name of a phase alone', { phase: 'cleanup' }, 'unknown'],
    ['the end of parts', { status: 'ended', request_counts: { succeeded: 2, errored: 1 } }, 'completed'],
    ['the end of parts that failed', { status: 'ended', request_counts: { errored: 2 } }, 'failed'],
    [
      'an end with a result that tells of failures',
      { done: true, result: { tests: { failed: 1 } } },
      'completed',
    ],
    ['the end of parts that nobody counts', { status: 'ended', results_url: 'https://x/r' }, 'end alone'],
    ['what only machines do', { status: 'transcoding' }, 'working'],
    ['the same, of a doubled letter', { status: 'dubbing' }, 'working'],
    ['what anybody does', { status: 'shipping' }, 'unknown'],
    ['German', { status: 'läuft' }, 'working'],
    ['German in capitals', { status: 'FEHLGESCHLAGEN' }, 'failed'],
    ['Chinese', { status: '已完成' }, 'completed'],
    ['a label in Chinese', '任务ID：x-1\n任务状态：处理中', 'working'],
    ['Japanese', { status: '🔄 実行中' }, 'working'],
    ['Spanish', { estado: 'completado' }, 'completed'],
    ['Korean', { status: '진행 중' }, 'working'],
    ['a label in Korean', '상태: 완료', 'completed'],
    ['Portuguese', { status: 'Em andamento' }, 'working'],
    ['the same, of a failure', { estado: 'falhou' }, 'failed'],
    ['French', { statut: 'terminée' }, 'completed'],
    ['the same, of a cancel', { état: 'annulé' }, 'cancelled'],
    ['Italian', { stato: 'In corso' }, 'working'],
    ['a label in Russian', 'Статус: Завершено', 'completed'],
    ['a failure in Russian', { status: 'ошибка' }, 'failed'],
    ['a language that is not known', { status: 'valmis' }, 'unknown'],
    ['a number that nobody explains', { status: 2 }, undefined],
    ['a number beside its word', { status: 2, status_desc: 'running' }, 'working'],
    ['an object by handle', { cakes: { 'x-1': { status: 'failed' }, 'x-2': { status: 'done' } } }, 'failed'],
    ['a word by handle', { 'x-2': 'completed', 'x-1': 'running' }, 'working'],
    ['a conclusion that is not there yet', { status: 'queued', conclusion: null }, 'working'],
    ['a flag that goes on', { running: true, done: false }, 'working'],
    ['a flag of failure beside the end', { done: true, failed: true }, 'failed'],
    ['a good flag', { finished: true, succeeded: true }, 'completed'],
    ['an end that was not good', { finished: true, succeeded: false }, 'failed'],
    ['an end with what came of it', { done: true, response: { a: 1 } }, 'completed'],
    ['an end with an error', { done: true, error: { message: 'no' } }, 'failed'],
    ['the end alone', { done: true }, 'end alone'],
    ['the end alone, all of it', 'Progress: 100%\nCompleted: yes', 'completed'],
    ['no end', { done: false }, 'working'],
    ['a success of the request, with progress', { status: 'success', progress: 40 }, 'working'],
    ['progress alone', { percent: 99 }, 'working'],
    ['a label', '## Cake\n**Status**: ✅ Completed', 'completed'],
    ['a label in the middle of a line', 'The order Status: completed was sent', undefined],
    ['labels in one line', '**Status**: error | Completed: false', 'failed'],
    ['a row of a table', '| Status | running |', 'working'],
    ['a heading above another label', 'Cake Status:\nOven: done', undefined],
    ['a sentence', 'Cake x-1 is still baking.', 'working'],
    ['a sentence of an end', 'Cake x-1 completed.', 'completed'],
    ['a sentence of a failure', 'Cake x-1 failed (exit code 1).', 'failed'],
    ['a sentence that denies it', 'The cake is not finished yet.', 'working'],
    ['a sentence about what to do', 'Check the cake again when it is completed.', undefined],
    ['a sentence about something else', 'Breakfast was completed.', undefined],
    ['cells with the handle', 'done | x-1 | https://cakes', 'completed'],
    ['cells without it', 'done | x-2 | https://cakes', undefined],
    ['nothing', 'Have a nice day.', undefined],
  ])('%s', (_what, said, expected) => {
    const state = readState(dataOf(answerOf(said)), pair, ['x-1']);
    const read =
      state?.unknownWord !== undefined ? 'unknown' : state?.isEndAlone === true ? 'end alone' : state?.status;
    expect(read).toBe(expected);
  });

  test.each([
    ['create_deployment', 'deployment_id', 'completed'],
    ['create_deployment', 'run_id', 'unknown'],
    ['start_cake', 'cake_id', 'unknown'],
  ])('READY of what %s makes, known by its %s, is %s', (tool, handleArgument, expected) => {
    const made = { ...pair, start: { ...pair.start, tool }, status: { ...pair.status, handleArgument } };
    const state = readState(dataOf(answerOf('📊 Status: READY')), made, ['x-1']);
    expect(state?.unknownWord === undefined ? state?.status : 'unknown').toBe(expected);
  });

  test('is no success where only the end is told', () => {
    expect(readStatusAnswer(answerOf({ done: true }), pair, 'x-1')).toMatchObject({
      outcome: { status: 'failed', error: { code: 'OUTCOME_NOT_TOLD' } },
    });
  });

  test.each<[unknown, string]>([
    [{ error: 'The oven is cold', status: null }, 'The oven is cold'],
    [{ error: { message: 'The oven is cold' }, data: { status: null } }, 'The oven is cold'],
  ])('is a failure where %j has an error in place of it', (said, message) => {
    expect(readStatusAnswer(answerOf(said), pair, 'x-1')).toMatchObject({
      outcome: { status: 'failed', error: { message } },
    });
  });

  test.each<[unknown, boolean, number | undefined]>([
    ['Rate limit exceeded. Please try again in 20 s.', false, 20_000],
    ['Error: Request failed with status code 429', true, undefined],
    ['Error: Request failed with status code 503. Retry after 2 minutes.', false, 120_000],
    [{ error: 'rate_limited', retry_after: 7 }, false, 7000],
    [{ error: 'Too many requests', status: null, retryAfterMs: 400 }, true, 400],
  ])('is asked for again after %j (error: %s) as the answer says: %s ms', (said, isError, retryAfterMs) => {
    const read = () => readStatusAnswer({ ...answerOf(said), isError }, pair, 'x-1');
    expect(read).toThrow(expect.objectContaining({ retryable: true, retryAfterMs }));
  });

  test('is not known where its word says so', () => {
    const said = { status: 'not_found', message: 'It may not have been recorded yet.' };
    expect(() => readStatusAnswer(answerOf(said), pair, 'x-1')).toThrow(/does not know the task x-1/);
  });

  test('is not known where a text without a mark says so', () => {
    expect(() => readStatusAnswer(answerOf('No such job'), pair, 'x-1')).toThrow(
      /does not know the task x-1/,
    );
  });

  test.each([
    [{ cake_id: 'x-2', status: 'completed' }, true],
    [{ data: { cake_id: 'x-2', status: 'running' } }, true],
    [{ cake_id: 'cakes/x-1', status: 'completed' }, false],
    [{ cake_id: 'x-1', id: 'x-2', status: 'completed' }, false],
    [{ cake_id: 'X1', status: 'completed' }, false],
    [{ cake_id: null, status: 'completed' }, false],
    [{ cake_id: true, status: 'completed' }, false],
  ])('in %j may be that of another task: %s', (said, isOther) => {
    const read = () => readStatusAnswer(answerOf(said), pair, 'x-1');
    if (isOther) expect(read).toThrow(/was asked about "?x-1"? and answered about "?x-2/);
    else expect(read).not.toThrow();
  });

  test('is not found where the request failed', () => {
    const answer = answerOf({ status: 'error', message: 'Job not found' });
    expect(() => readStatusAnswer(answer, pair, 'x-1')).toThrow(
      /does not know the task x-1: .*the server was started again and has lost it\.$/,
    );
  });
});

describe('the handle in an answer of which nothing is told', () => {
  const sought = (argument: string, description = '', given: string[] = []) => ({
    argument,
    description,
    nouns: ['cake'],
    given: new Set(given),
  });

  test.each<[string, ReturnType<typeof sought>, unknown, unknown[]]>([
    ['its key', sought('cake_id'), { id: 'other', cakeId: 'x' }, ['x']],
    ['its key, deep', sought('cake_id'), { result: { items: [{ cake_id: 'x' }] } }, ['x']],
    ['its key nearest to the top', sought('cake_id'), { cake_id: 'x', old: [{ cake_id: 'y' }] }, ['x']],
    ['its label', sought('cake_id'), 'Started.\nCake ID: x-1.', ['x-1']],
    [
      'a key that is described',
      sought('id', 'The oven_ref of start_cake'),
      { id: 'z', oven_ref: 'x' },
      ['x'],
    ],
    ['a label that is described', sought('project', 'Project ID of the cake'), 'Project ID: x1', ['x1']],
    ['the id of what is started', sought('uuid'), { uuid_of_oven: 'o', cake_uuid: 'x' }, ['x']],
    ['its number', sought('pipeline_id'), 'Created pipeline #42 for main', ['42']],
    ['a prefix', sought('ref', "It starts with 'ck_'"), 'I have begun ck_77 for you', ['ck_77']],
    ['a bare id', sought('cake_id'), { id: 'x', name: 'n' }, ['x']],
    [
      'the id of a machine in a text',
      sought('token_id'),
      'Created: 0f3c1a52-1111-4222-8333-123456789abc',
      ['0f3c1a52-1111-4222-8333-123456789abc'],
    ],
    ['nothing that came with the call', sought('cake_id', '', ['x']), { cake_id: 'x' }, []],
    ['no URL', sought('cake_id'), { cake_id: 'https://cakes/x' }, []],
    ['no sentence', sought('cake_id'), { cake_id: 'not there yet' }, []],
    ['a name', sought('name', '', ['given']), { name: 'cake-7', other: 'given' }, ['cake-7']],
  ])('is %s', (_what, what, said, expected) => {
    expect(findHandle(dataOf(answerOf(said)), what)?.values ?? []).toEqual(expected);
  });
});

test.each<[string, [string, unknown][]]>([
  ['Status: running', [['Status', 'running']]],
  ['- **Task ID**: `x`', [['Task ID', 'x']]],
  ['1. State: done', [['State', 'done']]],
  ['Done: no', [['Done', false]]],
  ['| Pages | 7 |', [['Pages', 7]]],
  [
    '| ID | Status | Age |\n|---|---|---|\n| x | running | 3s |',
    [
      ['ID', 'x'],
      ['Status', 'running'],
      ['Age', '3s'],
    ],
  ],
  ['see https://cakes for more: nothing', []],
])('the labels of %j', (text, expected) => {
  expect(labelFacts(text).map(({ key, value }) => [key, value])).toEqual(expected);
});

test.each<[unknown, object | undefined]>([
  [{ progress: 40 }, { progress: 40, total: 100 }],
  [{ progress: 0.4 }, { progress: 40, total: 100 }],
  [{ progress_percent: 0.5 }, { progress: 0.5, total: 100 }],
  [{ progress: '3/10 pages' }, { progress: 3, total: 10 }],
  [
    { completed: 3, total: 9 },
    { progress: 3, total: 9 },
  ],
  [{ progress: '40' }, { progress: 40, total: 100 }],
  [{ progress: '0.4' }, { progress: 40, total: 100 }],
  [{ progress: '40 percent' }, { progress: 40, total: 100 }],
  [
    { completed: '3', total: '9' },
    { progress: 3, total: 9 },
  ],
  [{ progress: '1,5 %' }, { progress: 1.5, total: 100 }],
  [{ progress: '120%' }, undefined],
  [{ progress: '7/3' }, undefined],
  [{ progress: '0 of 0' }, undefined],
  [{ progress: 4000 }, undefined],
  [{ status: '40%' }, undefined],
])('the progress of %j', (said, expected) => {
  const facts = Object.entries(said as object).map(([key, value]) => ({
    key,
    words: key.split('_'),
    value,
    within: [],
  }));
  expect(progressOfFacts(facts)).toEqual(expected);
});

test.each<[unknown, boolean]>([
  [{ status: 'done', id: 'x', model: 'm', created_at: '2026-01-01' }, false],
  [{ status: 'done', result: null, output: '' }, false],
  [{ status: 'done', video_url: 'https://x/v.mp4' }, true],
  [{ status: 'done', status_url: 'https://x' }, false],
  [{ status: 'done', data: { output: [1] } }, true],
])('whether %j brings a result: %s', (said, expected) => {
  expect(bringsResult(dataOf(answerOf(said)))).toBe(expected);
});

test.each([
  [{ progress: 1 }, { progress: 1 }],
  [
    { progress: 1, total: 2, message: 'm', extra: true },
    { progress: 1, total: 2, message: 'm' },
  ],
  [{ progress: 1, total: 'x', message: 3 }, { progress: 1 }],
  [{ progress: 1, total: Number.NaN }, { progress: 1 }],
  [{ progress: Number.POSITIVE_INFINITY }, undefined],
  [{ progress: '1' }, undefined],
  [{}, undefined],
  [[1], undefined],
  ['half', undefined],
  [null, undefined],
  [undefined, undefined],
])('%j reads as the progress %j', (value, progress) => {
  expect(readProgress(value)).toEqual(progress);
});
