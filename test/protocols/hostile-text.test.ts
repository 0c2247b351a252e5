import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { pairOfProposal, proposePairs } from '../../src/protocols/detection/propose.js';
import { excerpt } from '../../src/protocols/excerpt.js';
import { dataOf } from '../../src/protocols/pair/answer-data.js';
import { idsIn } from '../../src/protocols/pair/handle.js';
import { firstToken, labelled } from '../../src/protocols/pair/labels.js';
import { readRefusal } from '../../src/protocols/pair/refused-status.js';
import { readState } from '../../src/protocols/pair/state.js';
import { wordsOf } from '../../src/protocols/pair/usual-places.js';
import { meaningOf } from '../../src/protocols/pair/words.js';

const MEGABYTE = 2 ** 20;

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
const tool = (name: string, description: string, properties: object): Tool => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { ...properties }, required: Object.keys(properties) },
});
const tools = (name = 'start_job', description = 'Starts a job in the background.'): Tool[] => [
  tool(name, description, {}),
  tool('get_job_status', description, { job_id: { type: 'string', description } }),
];
const [, statusTool] = tools();
const [proposal] = proposePairs(tools());
if (proposal === undefined) throw new Error('no proposal');
const pair = pairOfProposal(proposal, tools());

/** What is read of texts that a server writes, however it writes them. */
const readers: Readonly<Record<string, (hostile: string) => unknown>> = {
  'the data of an answer': hostile => dataOf(text(hostile)),
  'the data of an answer that begins a fence': hostile => dataOf(text(`\`\`\`${hostile}`)),
  'the data of an answer that begins as JSON': hostile => dataOf(text(`{${hostile}`)),
  'the state of an answer': hostile => readState(dataOf(text(hostile)), pair),
  'a state under a key': hostile => readState(dataOf(text(JSON.stringify({ status: hostile }))), pair),
  'the handle of an answer': hostile => idsIn(dataOf(text(hostile)), pair, { statusTool }),
  'a handle behind a label': hostile => idsIn(dataOf(text(`Job ID: ${hostile}`)), pair, { statusTool }),
  'the values of a label': hostile => labelled(hostile, 'status'),
  'the first word': firstToken,
  'the words of a name': wordsOf,
  'the meaning of a word': hostile => meaningOf(hostile, { own: {} }),
  'a refusal': hostile => readRefusal(hostile, ['job']),
  'an excerpt': excerpt,
  'the name of a tool': hostile => proposePairs(tools(hostile)),
  'the description of a tool': hostile => proposePairs(tools('start_job', hostile)),
  'the name of an argument': hostile =>
    proposePairs([...tools(), tool('get_run', 'Gets a run.', { [hostile]: { type: 'string' } })]),
};

/** Each is repeated: what makes an expression try again and again. */
const ALPHABETS: readonly string[] = [
  '\n', ' ', ' \n', '\t', 'A', 'Aa', 'a', 'a ', '_', '-', '`', '```', '```\n', '```json\n', '{', '[', '{"a":', '"', '|', '*', '**',
  ':', ': ', 'status', 'Status:', 'Status: ', 'Status:\n', 'status |', 'job id', 'Job ID: \n', '0', '0%', '1.', '.', '💥', '\u202e',
  'starts a-', 'returns a ', 'until the ', 'error ', 'job not ', 'takes 1', 'is done', '\\u', 'İ', '\r', '\r\n', '(', 'http://',
]; // biome-ignore format: a table

const filled = (alphabet: string, size: number) =>
  `${alphabet.repeat(Math.ceil(size / alphabet.length)).slice(0, size)}!`;

/** Of this process alone: a busy machine makes other times longer. */
function shortestMs(read: (hostile: string) => unknown, hostile: string): number {
  const times = [1, 2, 3].map(() => {
    const from = process.cpuUsage();
    read(hostile);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

function isOutOfProportion(read: (hostile: string) => unknown, alphabet: string): boolean {
  const long = shortestMs(read, filled(alphabet, MEGABYTE));
  // What is over at once has no measurable proportion.
  return long >= 100 && long / shortestMs(read, filled(alphabet, MEGABYTE / 8)) > 20;
}

test.each(Object.entries(readers))('%s takes a time in proportion to the text at most', (_name, read) => {
  // A busy machine makes one measurement slow, not three.
  const slow = ALPHABETS.filter(alphabet => [1, 2, 3].every(() => isOutOfProportion(read, alphabet)));
  expect(slow).toEqual([]);
});
