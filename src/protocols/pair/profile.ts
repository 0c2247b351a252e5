import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** Keys that must never be written through. */
const UNSAFE = /(^|\.)(__proto__|constructor|prototype)(\.|$)/;

const text = z.string().min(1).max(200);
const toolName = z.string().min(1).max(128);

const path = text
  .regex(/^[^.\s]+(\.[^.\s]+)*$/, 'expected keys joined by dots, such as `data.task_id`')
  .refine(value => !UNSAFE.test(value), 'expected keys of data');

const place = z.union([path, z.strictObject({ label: text })]);

const places = z.union([place, z.array(place).min(1).max(100)]);

const argumentSource = z.union([
  z.strictObject({ call: path }),
  z.strictObject({ answer: places }),
  z.strictObject({ value: z.json() }),
]);

const argumentSources = z
  .record(path, argumentSource)
  .refine(sources => Object.keys(sources).length <= 20, 'expected at most 20 arguments');

const waitArgument = z.strictObject({
  name: path.describe('The argument.'),
  mostSeconds: z.number().positive().max(3600).describe('The longest time that the tool takes.'),
  unit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .describe('What the argument is in; it is sent as a whole number.'),
  fractions: z.boolean().default(false).describe('Whether the tool also takes fractions.'),
});

const endStatus = z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']);

const phrases = z.array(text).min(1).max(20);

const start = z.strictObject({
  tool: z
    .union([toolName, z.array(toolName).min(1).max(50)])
    .describe('The tool that starts the task, or several that start tasks of the same kind.'),
  handleAt: places
    .optional()
    .describe('Where the answer has the handle. Several values are several tasks: all are awaited.'),
  arguments: z
    .record(path, z.json())
    .optional()
    .describe('Arguments that are sent where the caller gives none.'),
  alwaysHandle: z
    .boolean()
    .default(false)
    .describe('Whether every answer has a handle; else one without it is the result.'),
  tellsEnd: z
    .boolean()
    .default(false)
    .describe(
      'Whether an answer that tells an end is the end, with what is at `resultAt` where that is given; else only the status tool is believed.',
    ),
  idempotencyArgument: path
    .optional()
    .describe('The argument that makes a repeated start return the same task, if there is one.'),
  waitArgument: waitArgument
    .optional()
    .describe('The argument by which the tool holds its answer back until the task ends.'),
});

/** Keys of `_meta`, which are no paths. */
const marked = z.strictObject({
  definitionKey: text.describe("In a tool's definition; its value is the name of the profile."),
  callKey: text.describe(
    'In a call: an object that takes the idempotency argument and the wait argument of the start tool.',
  ),
  taskKey: text.describe(
    'In an answer that has started a task: what the start tool answers. The answer itself is the result once the task has ended.',
  ),
});

const many = z.strictObject({
  argument: path.describe('The argument that takes a list of handles instead of one.'),
  max: z.number().int().min(2).max(1000).describe('The most handles that it takes.'),
  answersAt: places.describe('Where the list of answers is, each as about one task.'),
});

const status = z.strictObject({
  tool: toolName.describe('The tool that tells the state; it may be the start tool.'),
  handleArgument: path.describe('Its argument that takes the handle.'),
  arguments: argumentSources
    .optional()
    .describe(
      'Further arguments: `{call: path}` of the start call, `{answer: place}` of the start answer, or `{value: …}`.',
    ),
  statusAt: places
    .optional()
    .describe(
      'Where the status word is, or true for done and false for not yet. Several values: all have to be done.',
    ),
  says: z
    .partialRecord(endStatus, phrases)
    .optional()
    .describe('For states told in sentences: phrases of the text, by the state that they mean.'),
  handleAt: places
    .optional()
    .describe('Where the answer repeats the handle; one about another task is refused.'),
  resultAt: places.optional().describe('Where the result is.'),
  resultAlone: z
    .boolean()
    .default(false)
    .describe(
      'Whether the JSON at `resultAt` alone is the result, also where it is null, and a failure is its reason alone; the rest of the answer is not handed on.',
    ),
  errorAt: places
    .optional()
    .describe('Where the reason of a failure is; one that is there makes a task failed.'),
  notFoundCodes: z
    .array(text)
    .max(20)
    .optional()
    .describe(
      'For a tool whose errors say nothing of the task: the codes at `errorAt.code` by which it says that there is none. Any other error is one of the request.',
    ),
  exitCodeAt: places.optional().describe('Where an exit code is; any other than 0 makes a task failed.'),
  messageAt: places.optional().describe('Where a sentence about the state is.'),
  progressAt: places
    .optional()
    .describe(
      "Where progress is: a number, a percentage (`40%`, or a number under a name such as `progress` or `percent` without `totalAt`), or an object in MCP's shape.",
    ),
  totalAt: places.optional().describe('Where the number is that progress goes up to.'),
  questionsAt: places
    .optional()
    .describe('Where the questions of a task that waits for answers are: by key, as requests of MCP.'),
  pollAfterMsAt: places.optional().describe('Where the server says how many milliseconds to wait.'),
  pollAfterSecondsAt: places.optional().describe('Where it says how many seconds to wait.'),
  waitArgument: waitArgument
    .optional()
    .describe('The argument by which the tool holds its answer back until the task ends (long poll).'),
  many: many.optional().describe('For a tool that tells of many tasks in one answer.'),
  mayHold: z
    .boolean()
    .default(false)
    .describe('Whether the tool may hold its answer back until the task ends, with no argument for it.'),
});

const cancel = z.strictObject({
  tool: toolName.describe('The tool that cancels a task.'),
  handleArgument: path.describe('Its argument that takes the handle.'),
  arguments: argumentSources.optional().describe('As of the status tool.'),
});

const result = z.strictObject({
  tool: toolName.describe('The tool that has the result, once the task is completed.'),
  arguments: argumentSources.describe(
    'As of the status tool; `{answer: place}` is of the last status answer.',
  ),
  handleArgument: path.optional().describe('Its argument that takes the handle, if it takes it.'),
  alsoFailed: z.boolean().default(false).describe('Whether it also tells more of a task that failed.'),
  whenMissing: z
    .boolean()
    .default(false)
    .describe(
      'Whether it is asked only where the status answer brings no result, or no reason of a failure.',
    ),
});

export const statusWordsSchema = z
  .record(z.string().min(1).max(100), endStatus)
  .refine(words => Object.keys(words).length <= 100, 'expected at most 100 words');

/** What a pair of tools is. Every field has its sentence here; docs/start-status-pairs.md shows them. */
export const pairProfileSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w@/.-]{1,100}$/, 'expected letters, digits, and . / @ _ -')
    .describe('Stands in references: a profile keeps its name for as long as tasks may be resumed.'),
  version: z.int().positive().default(1).describe('Counted up when the profile changes.'),
  source: z
    .string()
    .max(500)
    .optional()
    .describe('From where this is known: a package and its version, a page.'),
  start: start.describe('The start tool.'),
  marked: marked
    .optional()
    .describe(
      "For tools that take the work's own arguments and may start a task, as their definitions say in `_meta`.",
    ),
  status: status.describe('The status tool.'),
  result: result.optional().describe('The tool that has the result, where the status answer does not.'),
  cancel: cancel.optional().describe('The tool that cancels.'),
  words: statusWordsSchema
    .default({})
    .describe(
      "The server's own status words, over those that everybody uses: case, blanks, - and _ do not matter. A word may be a number, and `key=word` counts only under that key.",
    ),
  hides: z.array(toolName).max(20).default([]).describe('Further tools that an agent need not see.'),
});

/** A start tool and the tool that tells its state, as data (docs/start-status-pairs.md). */
export type PairProfile = z.input<typeof pairProfileSchema>;

/** A profile with its defaults. */
export type Pair = z.output<typeof pairProfileSchema>;

/** A path of keys joined by dots (`*` for each of a list), or a label in text. */
export type Place = z.output<typeof place>;
export type Places = z.output<typeof places>;
export type ArgumentSources = z.output<typeof argumentSources>;

export function startTools({ start }: Pair): readonly string[] {
  return [start.tool].flat();
}

/** Whether the definition of a tool says that it is one of the pair. */
export function isMarked({ _meta }: Pick<Tool, '_meta'>, { name, marked }: Pair): boolean {
  return marked !== undefined && _meta?.[marked.definitionKey] === name;
}

/** Whether a tool starts tasks of the pair: by its name, or by what its definition says. */
export function starts(tool: Tool, pair: Pair): boolean {
  return startTools(pair).includes(tool.name) || isMarked(tool, pair);
}

/** The profile with further status words, which come before its own. */
export function withWords(pair: Pair, words: Pair['words'] = {}): Pair {
  return Object.keys(words).length === 0 ? pair : { ...pair, words: { ...pair.words, ...words } };
}
