import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { learnPair, unknownWordIn } from '../../../src/protocols/detection/learn-pair.js';
import { dataOf } from '../../../src/protocols/pair/answer-data.js';
import { readStatusAnswer } from '../../../src/protocols/pair/answers.js';
import { idsIn } from '../../../src/protocols/pair/handle.js';
import { type Pair, pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { startTools } from '../../../src/protocols/tool-definition.js';
import { recordedShapes, variantShapes } from '../../fixtures/pairs/recorded-shapes.js';

const json = (structuredContent: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
  structuredContent,
});
const text = (said: string): CallToolResult => ({ content: [{ type: 'text', text: said }] });

const plainPair = (words: Pair['words'] = {}): Pair =>
  pairProfileSchema.parse({
    name: 'x',
    start: { tool: 'start_render' },
    status: { tool: 'get_render_status', handleArgument: 'render_id' },
    words,
  });

const learn = (started: CallToolResult, statuses: readonly CallToolResult[], words: Pair['words'] = {}) => {
  const { start, status, words: learned } = learnPair(plainPair(words), { started, id: 'r1', statuses });
  return { handleAt: start.handleAt, ...status, words: learned };
};

describe('one run of a pair tells', () => {
  test.each<[string, CallToolResult, readonly CallToolResult[], object]>([
    [
      'paths, a percentage and the words',
      json({ render_id: 'r1' }),
      [
        json({ status: 'rendering', percent: 40, message: 'frame 4 of 9' }),
        json({ status: 'done', percent: 100 }),
      ],
      {
        handleAt: 'render_id',
        statusAt: 'status',
        progressAt: 'percent',
        messageAt: 'message',
        words: { rendering: 'working', done: 'completed' },
      },
    ],
    [
      'paths within others, and the handle by its name',
      json({ token: 'r1x', data: { render: { id: 'r1' } } }),
      [
        json({ data: { render: { id: 'r1', state: 'queued' } } }),
        json({ data: { render: { id: 'r1', state: 'succeeded' } } }),
      ],
      {
        handleAt: 'data.render.id',
        statusAt: 'data.render.state',
        words: { queued: 'working', succeeded: 'completed' },
      },
    ],
    [
      'a count and its total',
      json({ render_id: 'r1' }),
      [
        json({ status: 'running', processed: 3, total: 9 }),
        json({ status: 'completed', processed: 9, total: 9 }),
      ],
      { statusAt: 'status', progressAt: 'processed', totalAt: 'total' },
    ],
    [
      'labels of a text',
      text('Render started. Render ID: r1'),
      [text('Status: running\nProgress: 40%'), text('Status: completed\nProgress: 100%')],
      {
        handleAt: { label: 'render id' },
        statusAt: { label: 'Status' },
        progressAt: { label: 'Progress' },
        words: { running: 'working', completed: 'completed' },
      },
    ],
    [
      'a flag that changed',
      json({ render_id: 'r1' }),
      [json({ done: false, succeeded: false, ok: true }), json({ done: true, succeeded: true, ok: true })],
      { statusAt: 'done', words: {} },
    ],
    [
      'an object of progress',
      json({ render_id: 'r1' }),
      [json({ status: 'running', progress: { progress: 1, total: 3 } }), json({ status: 'done' })],
      { statusAt: 'status' },
    ],
  ])('%s', (_what, started, statuses, expected) => {
    expect(learn(started, statuses)).toMatchObject(expected);
  });

  test('a word of its own, once a person has said what it means', () => {
    const statuses = [json({ state: 'rising' }), json({ state: 'golden brown' })];
    expect(unknownWordIn(statuses[0] as CallToolResult, plainPair(), 'r1')).toBe('rising');
    const told = { rising: 'working', 'golden brown': 'completed' } as const;
    expect(learn(json({ render_id: 'r1' }), statuses, told)).toMatchObject({
      statusAt: 'state',
      words: told,
    });
  });

  test('nothing of a state that only sentences tell', () => {
    const learned = learn(json({ render_id: 'r1' }), [text('The render r1 is still running.')]);
    expect(learned).not.toHaveProperty('statusAt');
    expect(learned.words).toEqual({});
  });

  test.each([
    ['a field that merely says yes', { status: 'completed', ok: true, title: 'done' }, 'status'],
    ['a field of another name that did not change', { title: 'done', done: true }, undefined],
  ])('no %s', (_what, answer, statusAt) => {
    expect(learn(json({ render_id: 'r1' }), [json(answer)]).statusAt).toBe(statusAt);
  });
});

test('names that are made for one thing are no places', () => {
  const within = (state: string) => json({ renders: { r1: { state }, 'sk-20261127': { state } }, state });
  expect(learn(json({ render_id: 'r1' }), [within('running'), within('done')]).statusAt).toBe('state');
  const only = (state: string) => json({ renders: { r1: { state } } });
  expect(learn(json({ render_id: 'r1' }), [only('running'), only('done')])).not.toHaveProperty('statusAt');
});

test('no other value of an answer goes into a profile', () => {
  const secret = 'hunter2';
  const answer = (status: string) =>
    json({
      status,
      secret,
      message: `the password is ${secret}`,
      url: `https://x/?sig=${secret}`,
      [secret]: secret,
    });
  const pair = learnPair(plainPair(), {
    started: json({ render_id: 'r1', secret }),
    id: 'r1',
    statuses: [answer('running'), answer('done')],
  });
  expect(pair.status).toMatchObject({ statusAt: 'status', messageAt: 'message' });
  expect(JSON.stringify(pair)).not.toContain(secret);
  expect(JSON.stringify(pair)).not.toContain('r1');
});

describe('a run of a server as it was recorded', () => {
  const shapes = Object.entries({ ...recordedShapes, ...variantShapes }).filter(
    ([, { ids, pair }]) => ids.length === 1 && pair.marked === undefined,
  );

  test.each(shapes)('%s reads the same with what it has shown', (_name, shape) => {
    const { pair: told, call, ids, started, running, ends } = shape;
    const pair = pairProfileSchema.parse({
      name: 'x',
      start: { tool: startTools(told as Pair)[0] },
      status: { tool: told.status.tool, handleArgument: told.status.handleArgument },
    });
    const [id = ''] = ids;
    const statuses = [...running, ...(ends.completed === undefined ? [] : [ends.completed])];
    const learned = learnPair(pair, { started, id, statuses });
    expect(() => pairProfileSchema.parse(learned)).not.toThrow();
    const read = (by: Pair) =>
      statuses.map(answer => {
        try {
          const said = readStatusAnswer(answer, by, id);
          return said.kind === 'ended' ? said.outcome.status : said.status;
        } catch {
          return 'unread';
        }
      });
    expect(read(learned)).toEqual(read(pair));
    const found = idsIn(dataOf(started), learned, { statusTool: undefined, given: call.arguments });
    if (learned.start.handleAt !== undefined) expect(found.map(String)).toEqual([String(id)]);
  });
});
