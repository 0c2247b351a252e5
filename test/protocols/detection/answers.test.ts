import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { type Proposal, pairOfProposal, proposePairs } from '../../../src/protocols/detection/propose.js';
import {
  ANSWER_EVIDENCE,
  ANSWER_VETOES,
  CONTENT_VETOES,
  MIN_TO_ASK,
  notOfStart,
  readAnswer,
} from '../../../src/protocols/detection/read-answer.js';
import {
  isHeld,
  MIN_TO_WAIT,
  PROBE_EVIDENCE,
  PROBE_VETOES,
  verdictOf,
} from '../../../src/protocols/detection/verdict.js';
import { resultOf } from '../../fixtures/detection/tool-lists.js';

const tools: readonly Tool[] = [
  { name: 'bake_cake', inputSchema: { type: 'object' } },
  {
    name: 'get_cake_status',
    inputSchema: { type: 'object', properties: { cake_id: { type: 'string' } }, required: ['cake_id'] },
  },
];
const [proposed] = proposePairs(tools);
if (proposed === undefined) throw new Error('The tools are a pair.');
const proposal: Proposal = { ...proposed, isNamed: false };

/** A proposal, an answer to the start, and what else is known. */
interface Case {
  readonly answer: unknown;
  readonly proposal?: Partial<Proposal>;
  readonly isProved?: boolean;
}

const read = ({ answer, proposal: other, isProved }: Case) => {
  const own = { ...proposal, ...other };
  return readAnswer(own, pairOfProposal(own, tools), {
    call: { name: 'bake_cake' },
    answer: resultOf(answer),
    statusTool: tools[1],
    ...(isProved !== undefined && { isProved }),
  });
};

interface Row<Example> {
  readonly name: string;
  readonly risk: string;
  readonly guard: string;
  /** It decides here: without it, the other way. */
  readonly decides: Example;
  /** Looks as if it held. */
  readonly lookAlike: Example;
}

describe('evidence in an answer to a start', () => {
  const rows: readonly (Row<Case> & { readonly base: number })[] = [
    {
      name: 'handle',
      risk: 'An id is that of a record, not of work.',
      guard: 'Its own key counts three points, a bare id one.',
      base: 2,
      decides: { answer: { cake_id: 'c-17' } },
      lookAlike: { answer: { id: 'c-17' } },
    },
    {
      name: 'named-in-answer',
      risk: 'An answer quotes documentation.',
      guard: 'The whole name, which is no ordinary word.',
      base: -2,
      decides: { answer: { cake_id: 'c-17', next: 'See get_cake_status.' } },
      lookAlike: { answer: { cake_id: 'c-17', next: 'See the cake status.' } },
    },
    {
      name: 'working',
      risk: 'Records have states, too.',
      guard: 'Words of work under way, under a key or label of a state.',
      base: 0,
      decides: { answer: { cake_id: 'c-17', status: 'queued' } },
      lookAlike: { answer: { cake_id: 'c-17', queue: 'queued' } },
    },
    {
      name: 'proved-before',
      risk: 'The server may be another one today.',
      guard: 'Known by the whole definitions of both tools; every veto still holds.',
      base: 0,
      decides: { answer: { cake_id: 'c-17' }, isProved: true },
      lookAlike: { answer: { cake_id: 'c-17' }, isProved: false },
    },
  ];

  test('each has its row', () => {
    expect(rows.map(({ name }) => name)).toEqual(ANSWER_EVIDENCE.map(({ name }) => name));
  });

  test.each(rows.map(row => [row.name, row] as const))('%s', (name, { base, decides, lookAlike }) => {
    const decided = read({ ...decides, proposal: { score: base } });
    expect(decided).toMatchObject({ score: expect.any(Number) });
    if ('evidence' in decided) {
      expect(decided.evidence.map(each => each.name)).toContain(name);
      expect(decided.score).toBeGreaterThanOrEqual(MIN_TO_ASK);
    }
    expect(read({ ...lookAlike, proposal: { score: base } })).toEqual({
      refusal: expect.stringMatching(/^the evidence is weak/),
    });
  });

  test.each([
    [{ result: '5943c22b-83c5-409c-ae73-6f911d2adb8a' }, { isWork: true, score: 8 }, 'one'],
    [{ result: '5943c22b-83c5-409c-ae73-6f911d2adb8a', ok: true }, { isWork: true, score: 8 }, 'none'],
    [{ result: 'a-cake' }, { isWork: true, score: 8 }, 'none'],
    [{ id: '5943c22b', title: 'Cake' }, { isWork: true, score: 8 }, 'none'],
    [{ result: '5943c22b-83c5-409c-ae73-6f911d2adb8a' }, { isWork: true, score: 7 }, 'none'],
    [{ result: '5943c22b-83c5-409c-ae73-6f911d2adb8a' }, { isWork: false, score: 8 }, 'none'],
  ])('%j as all that comes of %j has %s handle of work', (answer, other, found) => {
    const reading = read({ answer, proposal: { isNamedAfterState: false, ...other } });
    expect('id' in reading ? 'one' : 'none').toBe(found);
  });

  test('no evidence outweighs a veto', () => {
    const answer = { cake_id: 'c-17', status: 'completed', next: 'See get_cake_status.' };
    expect(read({ answer, isProved: true, proposal: { score: 100 } })).toMatchObject({
      refusal: 'the answer says that it is completed',
    });
  });
});

describe('a veto over an answer to a start', () => {
  const rows: readonly (Row<Case> & { readonly says: RegExp })[] = [
    {
      name: 'end',
      says: /it is completed$/,
      risk: 'The result would be waited for although it is here.',
      guard: '"success" beside an exact handle is that of the request.',
      decides: { answer: { cake_id: 'c-17', status: 'completed' } },
      lookAlike: { answer: { cake_id: 'c-17', status: 'success' } },
    },
    {
      name: 'unknown-word',
      says: /`draft` is no known state/,
      risk: 'A record in a state of people would be waited for.',
      guard: 'Unless the answer names the status tool.',
      decides: { answer: { cake_id: 'c-17', status: 'draft' } },
      lookAlike: { answer: { cake_id: 'c-17', status: 'draft', next: 'get_cake_status' } },
    },
    {
      name: 'other-key',
      says: /has no `cake_id`/,
      risk: 'One of several optional arguments would take a handle of another kind.',
      guard: 'A value under that very key.',
      decides: { answer: { id: 'c-17' }, proposal: { isExactOnly: true, isNamed: true } },
      lookAlike: { answer: { cake_id: 'c-17' }, proposal: { isExactOnly: true, isNamed: true } },
    },
    {
      name: 'no-work',
      says: /nothing says that a machine/,
      risk: 'A record would be asked about.',
      guard: 'Unless the exact handle stands beside a word of work.',
      decides: { answer: { cake_id: 'c-17' }, proposal: { isWork: false } },
      lookAlike: { answer: { cake_id: 'c-17', status: 'running' }, proposal: { isWork: false } },
    },
    {
      name: 'lookup',
      says: /looked something up/,
      risk: 'A row that was found would be asked about.',
      guard: 'Unless the answer says that the work goes on.',
      decides: { answer: { cake_id: 'c-17' }, proposal: { looksUp: true } },
      lookAlike: { answer: { cake_id: 'c-17', status: 'running' }, proposal: { looksUp: true } },
    },
    {
      name: 'mere-id',
      says: /that of a record$/,
      risk: 'The id of a record would be asked about.',
      guard: 'Unless a state, a name or a tool named after states supports it.',
      decides: { answer: { id: 'c-17', created_at: 'today' } },
      lookAlike: { answer: { id: 'c-17' } },
    },
    {
      name: 'action-unproved',
      says: /for an action of a tool$/,
      risk: 'One tool for everything gives records and jobs.',
      guard: 'Unless the answer says that the work goes on.',
      decides: { answer: { id: 'c-17' }, proposal: { action: { argument: 'action', value: 'get' } } },
      lookAlike: {
        answer: { id: 'c-17', status: 'running' },
        proposal: { action: { argument: 'action', value: 'get' } },
      },
    },
  ];

  test('each has its row', () => {
    expect(rows.map(({ name }) => name)).toEqual(ANSWER_VETOES.map(({ name }) => name));
  });

  test.each(rows.map(row => [row.name, row] as const))('%s', (_name, { says, decides, lookAlike }) => {
    const refused = read({ ...decides, proposal: { score: 100, ...decides.proposal } });
    expect(refused).toMatchObject({ refusal: expect.stringMatching(says) });
    const passed = read({ ...lookAlike, proposal: { score: 100, ...lookAlike.proposal } });
    expect(passed).toHaveProperty('id', 'c-17');
  });
});

describe('what is no answer to a start, whatever the tools are', () => {
  const image = { type: 'image' as const, data: '', mimeType: 'image/png' };
  const rows: readonly Row<CallToolResult>[] = [
    {
      name: 'error',
      risk: 'A refused call would be waited for.',
      guard: 'The mark alone counts.',
      decides: { content: [{ type: 'text', text: 'no' }], isError: true },
      lookAlike: { content: [{ type: 'text', text: 'no' }], isError: false },
    },
    {
      name: 'media',
      risk: 'A result would be thrown away.',
      guard: 'Only text may tell of a job.',
      decides: { content: [image] },
      lookAlike: { content: [{ type: 'text', text: 'image/png' }] },
    },
    {
      name: 'long',
      risk: 'As of `media`.',
      guard: 'More text than anybody writes about a start.',
      decides: { content: [{ type: 'text', text: 'x'.repeat(8001) }] },
      lookAlike: { content: [{ type: 'text', text: 'x'.repeat(8000) }] },
    },
  ];

  test('each has its row', () => {
    expect(rows.map(({ name }) => name)).toEqual(CONTENT_VETOES.map(({ name }) => name));
  });

  test.each(rows.map(row => [row.name, row] as const))('%s', (_name, { decides, lookAlike }) => {
    expect(notOfStart(decides)).toBeDefined();
    expect(notOfStart(lookAlike)).toBeUndefined();
  });
});

/** What the status tool answers about `c-17`, and what was known before. */
interface Probe {
  readonly answer: unknown;
  readonly isError?: boolean;
  readonly score: number;
  readonly proposal?: Partial<Proposal>;
}

const judge = ({ answer, isError, score, proposal: other }: Probe) =>
  verdictOf(
    { ...resultOf(answer), ...(isError !== undefined && { isError }) },
    { proposal: { ...proposal, ...other }, pair: pairOfProposal(proposal, tools), id: 'c-17', score },
  );

describe('the verdict over a probe', () => {
  const enough = { score: MIN_TO_WAIT };
  const action = { proposal: { action: { argument: 'action', value: 'get' } } };
  const evidence: readonly Row<Probe>[] = [
    {
      name: 'knows-it',
      risk: 'The state of something else would be believed.',
      guard: 'Two points; what is about another id is not read.',
      decides: { answer: { status: 'running' }, score: 6 },
      lookAlike: { answer: { motto: 'running' }, score: 6 },
    },
    {
      name: 'echo',
      risk: 'A short handle is in many texts.',
      guard: 'One point.',
      decides: { answer: { id: 'c-17', status: 'running' }, score: 5 },
      lookAlike: { answer: { id: 'c-71', status: 'running' }, score: 5 },
    },
  ];
  const vetoes: readonly Row<Probe>[] = [
    {
      name: 'no-state',
      risk: 'A wait without an end.',
      guard: 'A state under a key, a label, or in a sentence about the handle.',
      decides: { answer: { cake_id: 'c-17', layers: 3 }, ...enough },
      lookAlike: { answer: 'Cake c-17 is still running.', ...enough },
    },
    {
      name: 'unknown-word',
      risk: 'A record in a state of people would be waited for.',
      guard: 'The lists of words, and nothing like them.',
      decides: { answer: { cake_id: 'c-17', status: 'draft' }, ...enough },
      lookAlike: { answer: { cake_id: 'c-17', status: 'drafting_queued' }, ...enough },
    },
    {
      name: 'of-request',
      risk: 'An error of the request would be told as the failure of the work.',
      guard: 'Unless it repeats the handle.',
      decides: { answer: { status: 'failed' }, isError: true, ...enough },
      lookAlike: { answer: { cake_id: 'c-17', status: 'failed' }, isError: true, ...enough },
    },
    {
      name: 'action-no-echo',
      risk: 'One tool for everything answers about everything.',
      guard: 'The handle has to be repeated.',
      decides: { answer: { status: 'running' }, ...enough, ...action },
      lookAlike: { answer: { cake_id: 'c-17', status: 'running' }, ...enough, ...action },
    },
  ];

  test('each evidence and veto has its row', () => {
    expect(evidence.map(({ name }) => name)).toEqual(PROBE_EVIDENCE.map(({ name }) => name));
    expect(vetoes.map(({ name }) => name)).toEqual(PROBE_VETOES.map(({ name }) => name));
  });

  test.each(evidence.map(row => [row.name, row] as const))('%s speaks for it', (name, row) => {
    expect(judge(row.decides)).toMatchObject({ isPair: true });
    expect(judge(row.decides).evidence.map(each => each.name)).toContain(name);
    expect(judge(row.lookAlike).isPair).toBe(false);
  });

  test.each(vetoes.map(row => [row.name, row] as const))('%s rules it out', (name, row) => {
    expect(judge(row.decides)).toMatchObject({ isPair: false, evidence: [{ name }] });
    expect(judge(row.lookAlike).isPair).toBe(true);
  });
});

test.each([
  ['Its state (queued, frosting, done, failed).', true],
  ['Its state: "queued" | "frosting" | "done" | "failed"', true],
  // A word in a sentence is none of a list.
  ['Tells whether frosting is done or has failed.', false],
  // The states of a thing that people move on have one end at most.
  ['Its state (draft, frosting, sent, closed).', false],
  ['Its state (queued, icing, done, failed).', false],
])('a state that nobody knows is believed where `%s` lists it: %s', (description, isPair) => {
  const statusTool: Tool = { name: 'get_cake_status', description, inputSchema: { type: 'object' } };
  const pair = pairOfProposal(proposal, tools);
  const answer = resultOf({ cake_id: 'c-17', status: 'frosting' });
  const probed = { proposal, pair, id: 'c-17', score: MIN_TO_WAIT, statusTool };
  expect(verdictOf(answer, probed).isPair).toBe(isPair);
});

test.each([
  [true, MIN_TO_WAIT, true],
  [true, MIN_TO_WAIT - 1, false],
  [false, MIN_TO_WAIT, false],
])(
  'a probe without an answer (may hold: %s, score %i) means that the work goes on: %s',
  (mayHold, score, held) => {
    const told = pairOfProposal(proposal, tools);
    const pair = { ...told, status: { ...told.status, mayHold } };
    expect(isHeld({ proposal, pair, id: 'c-17', score })).toBe(held);
  },
);
