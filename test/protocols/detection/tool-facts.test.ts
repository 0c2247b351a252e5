import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { factsOf, type ToolFacts } from '../../../src/protocols/detection/tool-facts.js';

interface Row {
  readonly fact: keyof ToolFacts;
  readonly risk: string;
  readonly guard: string;
  readonly holds: Partial<Tool>;
  /** Looks as if it held. */
  readonly lookAlike: Partial<Tool>;
}

const ROWS: readonly Row[] = [
  {
    fact: 'worksLater',
    risk: 'A description promises what the tool does not do.',
    guard: 'Phrases of work that goes on, not single words.',
    holds: { name: 'x', description: 'Starts an export job and returns its id.' },
    lookAlike: { name: 'x', description: 'Returns the job offers of a company.' },
  },
  {
    fact: 'speaksOfState',
    risk: 'States of other things are spoken of, too.',
    guard: 'One point only.',
    holds: { name: 'x', description: 'The current state of an export.' },
    lookAlike: { name: 'x', description: 'Exports by federal state.' },
  },
  {
    fact: 'onlyLooks',
    risk: 'A tool that changes something would be called unasked.',
    guard: 'The first verb that is known decides, then the hints: both have to allow it.',
    holds: { name: 'get_delete_job_status' },
    lookAlike: { name: 'delete_job_get_status' },
  },
  {
    fact: 'onlyLooks',
    risk: 'As above.',
    guard: 'A hint that it changes something counts, one that it does not is no proof.',
    holds: { name: 'get_job', annotations: { readOnlyHint: true } },
    lookAlike: { name: 'get_job', annotations: { readOnlyHint: false } },
  },
  {
    fact: 'onlyLooks',
    risk: 'As above.',
    guard: 'Only `query` before the name of work, which is no verb, and nothing that ends it.',
    holds: { name: 'query_render_task' },
    lookAlike: { name: 'query_run' },
  },
  {
    fact: 'onlyLooks',
    risk: 'As above.',
    guard: 'As above.',
    holds: { name: 'query_export_job' },
    lookAlike: { name: 'query_and_export_job' },
  },
  {
    fact: 'mayStart',
    risk: 'A look or an end would be taken for a start.',
    guard: 'Verbs that only look or end are excluded.',
    holds: { name: 'start_job' },
    lookAlike: { name: 'stop_job' },
  },
  {
    fact: 'mayStart',
    risk: 'As above.',
    guard: 'A name of a state is no start, whatever words it has.',
    holds: { name: 'video_generation' },
    lookAlike: { name: 'video_generation_status' },
  },
  {
    fact: 'looksUp',
    risk: 'A search would be taken for work, for its rows have states.',
    guard: 'Names of what is answered at once.',
    holds: { name: 'flights_search' },
    lookAlike: { name: 'flights_research' },
  },
  {
    fact: 'tellsState',
    risk: 'Words of a state are in many names.',
    guard: 'Whole words only.',
    holds: { name: 'get_job_status' },
    lookAlike: { name: 'get_job_statistics' },
  },
  {
    fact: 'records',
    risk: 'What is written down or bought would be waited for.',
    guard: 'A veto, by the first verb.',
    holds: { name: 'book_export' },
    lookAlike: { name: 'export_book' },
  },
];

const factOf = (tool: Partial<Tool>) =>
  factsOf([{ name: 'x', inputSchema: { type: 'object' }, ...tool }])[0] as ToolFacts;

test.each(ROWS.map(row => [row.fact, row.holds.name, row] as const))(
  'a tool has `%s`: %s',
  (fact, _name, { holds, lookAlike }) => {
    expect(factOf(holds)[fact]).toBe(true);
    expect(factOf(lookAlike)[fact]).toBe(false);
  },
);

test('each fact that holds or not has its row', () => {
  const facts = Object.entries(factOf({})).flatMap(([key, value]) =>
    typeof value === 'boolean' ? [key] : [],
  );
  expect(new Set(ROWS.map(({ fact }) => fact))).toEqual(new Set(facts));
});
