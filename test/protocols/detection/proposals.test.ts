import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { vetoesIn, type Weight, weigh } from '../../../src/protocols/detection/evidence.js';
import { statusCalls } from '../../../src/protocols/detection/handle-argument.js';
import { PROPOSAL_EVIDENCE, pairFacts } from '../../../src/protocols/detection/proposal-evidence.js';
import { MIN_SCORE, STRONG_SCORE } from '../../../src/protocols/detection/propose.js';
import { factsOf } from '../../../src/protocols/detection/tool-facts.js';
import { PROPOSAL_VETOES } from '../../../src/protocols/detection/vetoes.js';

/** `name(argument): description`; `!` after the name is read-only. */
function toolOf(text: string): Tool {
  const [, name = '', mark, argument, description = ''] =
    /^(\w+)(!?)(?:\((\w+)\))?(?:: (.*))?$/.exec(text) ?? [];
  return {
    name,
    description,
    ...(mark === '!' && { annotations: { readOnlyHint: true } }),
    inputSchema: {
      type: 'object',
      properties:
        argument === undefined ? {} : { [argument]: { type: 'string', description: SAID[text] ?? '' } },
      required: argument === undefined ? [] : [argument],
    },
  };
}

/** What is said of the argument of a tool. */
const SAID: Readonly<Record<string, string>> = {
  'get_info(id): The status.': 'Id of the portrait, or of the jpg',
};

function factsOfPair([start, status, ...others]: readonly string[]) {
  const facts = factsOf([start ?? '', status ?? '', ...others].map(toolOf));
  const [first, second] = facts;
  if (first === undefined || second === undefined) throw new Error('A pair has two tools.');
  const [call] = statusCalls(first, second);
  if (call === undefined) throw new Error(`${status} cannot be asked about what ${start} starts.`);
  return pairFacts({ start: first, status: second, call, facts });
}

const weightOf = (tools: readonly string[]) => weigh(PROPOSAL_EVIDENCE, factsOfPair(tools));

/** Whether a threshold is passed, or missed, only because of one thing. */
function isDecided({ score, held }: Weight, name: string): boolean {
  const { points = 0 } = held.find(each => each.name === name) ?? {};
  return [MIN_SCORE, STRONG_SCORE].some(least => score >= least !== score - points >= least);
}

interface Row {
  readonly name: string;
  /** What would go wrong if it counted for more. */
  readonly risk: string;
  /** What keeps that from happening. */
  readonly guard: string;
  /** Start, status, and other tools of the server: it decides here. */
  readonly decides: readonly string[];
  /** Where it looks as if it held, and does not. */
  readonly lookAlike: readonly string[];
}

const EVIDENCE: readonly Row[] = [
  {
    name: 'named',
    risk: 'Documentation names tools for other reasons.',
    guard: 'Only names with two words or more, whole; the handle and the probe have to follow.',
    decides: ['make_cake: See get_info.', 'get_info(id)'],
    lookAlike: ['make_cake: See info.', 'info(id)'],
  },
  {
    name: 'named-twice',
    risk: 'As of `named`.',
    guard: 'One point: it decides between equals only.',
    decides: ['make_cake: See get_cake_details.', 'get_cake_details(cake_id): Of make_cake, the status.'],
    lookAlike: ['make_cake: See get_cake_details.', 'get_cake_details(cake_id): Of make, the status.'],
  },
  {
    name: 'shared-noun',
    risk: 'All tools of a server are about the same things.',
    guard: 'What all names begin with does not count; nouns that last are vetoed.',
    decides: ['make_cake', 'get_cake_status(id)'],
    lookAlike: ['acme_make_cake', 'acme_get_pie_status(id)', 'acme_list_pies'],
  },
  {
    name: 'noun-of-verb',
    risk: 'Words begin alike by chance.',
    guard: 'The verb is one of machines and the noun one of work; never strong by itself.',
    decides: ['deploy_site', 'get_deployment(uuid)'],
    lookAlike: ['depart_train', 'get_department_status(uuid)'],
  },
  {
    name: 'handle-of-start',
    risk: 'The handle may be of something that was there before.',
    guard: 'The answer has to have a new value for it.',
    decides: ['render_cake: Runs asynchronously.', 'get_cake_state(cake_id): Status.'],
    lookAlike: ['render_cake: Runs asynchronously.', 'get_cake_state(pie_id): Status.'],
  },
  {
    name: 'handle-said-of-start',
    risk: 'A description mentions many things.',
    guard: 'One point; nouns of more than three letters.',
    decides: ['render_portrait', 'get_info(id): The status.'],
    lookAlike: ['render_jpg', 'get_info(id): The status.'],
  },
  {
    name: 'state-name',
    risk: 'Much has a status: issues, orders, servers.',
    guard: 'What lasts is vetoed, and nothing that no machine works on is waited for.',
    decides: ['make_cake', 'get_cake_status(id)'],
    lookAlike: ['make_cake', 'get_cake_statute(id)'],
  },
  {
    name: 'result-name',
    risk: 'A result tool may take what it gives.',
    guard: 'Tools that take, pop or download are no status tools.',
    decides: ['render_cake: Runs asynchronously.', 'get_cake_result!(cake_id): The status.'],
    lookAlike: ['render_cake: Runs asynchronously.', 'get_cake_outcome!(cake_id): The status.'],
  },
  {
    name: 'speaks-of-state',
    risk: 'Descriptions speak of states of other things.',
    guard: 'One point; the probe has to tell a state of the handle.',
    decides: ['render_cake: Runs asynchronously.', 'get_cake_result!(cake_id): The status.'],
    lookAlike: ['render_cake: Runs asynchronously.', 'get_cake_result!(cake_id): The statue.'],
  },
  {
    name: 'work-handle',
    risk: 'A task or a request may be one of people.',
    guard: 'One point, and sibling tools that edit are a veto.',
    decides: ['make_cake', 'get_cake(job_id): The status.'],
    lookAlike: ['make_cake', 'get_cake(jobber_id): The status.'],
  },
  {
    name: 'mentioned',
    risk: 'As of `handle-said-of-start`.',
    guard: 'One point; nouns of work, or of the handle.',
    decides: ['make_bread: Makes a loaf.', 'get_progress(loaf_id): How its progress is.'],
    lookAlike: ['make_bread: Makes bread.', 'get_progress(loaf_id): How its progress is.'],
  },
  {
    name: 'machine-work',
    risk: 'A verb of machines may be meant for people: `submit_application`.',
    guard: 'Verbs that start anything need a noun of work; records are vetoed.',
    decides: ['render_cake', 'get_cake(id)'],
    lookAlike: ['create_cake', 'get_cake(id)'],
  },
  {
    name: 'works-later',
    risk: 'Descriptions promise more than tools do.',
    guard: 'One point; a word of a state in the answer or the probe decides.',
    decides: ['render_cake: Runs asynchronously.', 'get_cake_state(cake_id): Status.'],
    lookAlike: ['render_cake: Runs synchronized.', 'get_cake_state(cake_id): Status.'],
  },
  {
    name: 'read-only',
    risk: 'Hints are only hints.',
    guard: 'A name that changes something is never asked, whatever the hint says.',
    decides: ['render_cake: Runs asynchronously.', 'get_cake_result!(cake_id): The status.'],
    lookAlike: ['render_cake!: Runs asynchronously.', 'get_cake_result(cake_id): The status.'],
  },
  {
    name: 'start-read-only',
    risk: 'Some servers mark all tools as read-only.',
    guard: 'Two points, which a tool that names the other makes up for.',
    decides: ['make_cake!', 'get_cake_status(cake_id)'],
    lookAlike: ['make_cake', 'get_cake_status!(cake_id)'],
  },
  {
    name: 'no-id',
    risk: 'A name is what the caller gives, not what a server makes up.',
    guard: 'A value that came with the call is no handle.',
    decides: ['make_cake', 'get_cake_status(cake)'],
    lookAlike: ['make_cake', 'get_cake_status(cake_id)'],
  },
  {
    name: 'lists',
    risk: 'A list of other jobs tells their states.',
    guard: 'Three points against; what is about another id is not read.',
    decides: ['make_cake', 'list_cake_status(cake_id)'],
    lookAlike: ['make_cake', 'get_cake_listing_status(cake_id)'],
  },
  {
    name: 'waits',
    risk: 'The probe would be held until the end.',
    guard: 'A twin that answers at once is preferred; `wait: false` is sent where it is offered.',
    decides: ['make_cake', 'wait_cake_status(id)'],
    lookAlike: ['make_cake', 'get_waiter_cake_status(id)'],
  },
  {
    name: 'other-purpose',
    risk: 'Logs hold words of states of everything.',
    guard: 'Four points against.',
    decides: ['make_cake', 'get_cake_log_status(id)'],
    lookAlike: ['make_cake', 'get_cake_login_status(id)'],
  },
];

const VETOES: readonly Row[] = [
  {
    name: 'record',
    risk: 'What is booked or posted has a state, and nobody works on it.',
    guard: 'Nouns that only machines have are no records.',
    decides: ['book_trip', 'get_trip_status(trip_id)'],
    lookAlike: ['post_dag_run', 'get_dag_run_status(dag_run_id)'],
  },
  {
    name: 'lasting',
    risk: 'A wait for an issue to be closed lasts for days.',
    guard: 'Unless a noun of machines comes last: `message_batch`.',
    decides: ['create_issue', 'get_issue_status(issue_id)'],
    lookAlike: ['create_issue_export_job', 'get_issue_job_status(job_id)'],
  },
  {
    name: 'edited',
    risk: 'What people edit is moved on by them.',
    guard: 'Not where one tool names the other, or the handle is of what only machines have.',
    decides: ['create_plan', 'get_plan_status(plan_id)', 'update_plan'],
    lookAlike: ['create_run', 'get_run_status(run_id)', 'update_run'],
  },
  {
    name: 'begun-by-another',
    risk: 'What is only made waits for ever for somebody who begins it.',
    guard: 'Only for a verb that makes, and a tool that begins with that very handle alone.',
    decides: ['create_batch', 'get_batch_status(batch_id)', 'run_batch(batch_id)'],
    lookAlike: ['create_batch', 'get_batch_status(batch_id)', 'run_batch(items)', 'retry_batch(batch_id)'],
  },
  {
    name: 'lookup',
    risk: 'A search is answered at once, and its rows have states.',
    guard: 'Unless the description says that the work goes on.',
    decides: ['query_cake', 'get_cake_status(cake_id)'],
    lookAlike: ['query_cake: Runs asynchronously.', 'get_cake_status(cake_id)'],
  },
];

test.each([
  ['evidence', PROPOSAL_EVIDENCE, EVIDENCE],
  ['veto', PROPOSAL_VETOES, VETOES],
] as const)('each %s of a proposal has its row', (_what, table, rows) => {
  expect(rows.map(({ name }) => name)).toEqual(table.map(({ name }) => name));
});

describe('evidence of a proposal', () => {
  test.each(EVIDENCE.map(row => [row.name, row] as const))('%s', (name, { decides, lookAlike }) => {
    const decided = weightOf(decides);
    expect(isDecided(decided, name), JSON.stringify(decided)).toBe(true);
    expect(weightOf(lookAlike).held.map(each => each.name)).not.toContain(name);
  });
});

describe('a veto of a proposal', () => {
  const names = (tools: readonly string[]) =>
    vetoesIn(PROPOSAL_VETOES, factsOfPair(tools)).map(each => each.name);
  test.each(VETOES.map(row => [row.name, row] as const))('%s', (name, { decides, lookAlike }) => {
    expect(names(decides)).toEqual([name]);
    expect(weightOf(decides).score).toBeGreaterThanOrEqual(MIN_SCORE);
    expect(names(lookAlike)).toEqual([]);
    expect(weightOf(lookAlike).score).toBeGreaterThanOrEqual(MIN_SCORE);
  });
});
