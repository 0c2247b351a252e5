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
  mostSeconds: z.number().positive().max(3600).describe('The longest time that the tool accepts.'),
  unit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .describe('Unit of the argument. It is sent as a whole number.'),
  fractions: z.boolean().default(false).describe('Whether the tool also accepts fractions.'),
});

const endStatus = z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']);

const phrases = z.array(text).min(1).max(20);

const start = z.strictObject({
  tool: z
    .union([toolName, z.array(toolName).min(1).max(50)])
    .describe('The tool that starts the task, or several that start tasks of the same kind.'),
  handleAt: places
    .optional()
    .describe('Place of the handle in the answer. Several values are several tasks; all are awaited.'),
  arguments: z
    .record(path, z.json())
    .optional()
    .describe('Arguments that are sent if the caller does not give them.'),
  alwaysHandle: z
    .boolean()
    .default(false)
    .describe('Whether every answer has a handle. If not, an answer without a handle is the result.'),
  tellsEnd: z
    .boolean()
    .default(false)
    .describe(
      'Whether the answer to the start may report the end of the task, with the value at `resultAt` if it is set. If not, only the status tool ends a task.',
    ),
  idempotencyArgument: path
    .optional()
    .describe('The argument that makes a repeated start return the same task.'),
  waitArgument: waitArgument
    .optional()
    .describe('The argument with which the tool holds its answer until the task ends.'),
});

/** Keys of `_meta`, which are no paths. */
const marked = z.strictObject({
  definitionKey: text.describe("Key in a tool's definition. Its value is the name of the profile."),
  callKey: text.describe(
    'Key in a call: an object with the idempotency argument and the wait argument of the start tool.',
  ),
  taskKey: text.describe(
    'Key in an answer that has started a task: the answer of the start tool. The answer itself is the result if the task has ended.',
  ),
});

const many = z.strictObject({
  argument: path.describe('The argument that takes a list of handles instead of one.'),
  max: z.number().int().min(2).max(1000).describe('Largest number of handles that it accepts.'),
  answersAt: places.describe('Place of the list of answers, one for each task.'),
});

const status = z.strictObject({
  tool: toolName.describe('The tool that reports the state. It may be the start tool.'),
  handleArgument: path.describe('Its argument for the handle.'),
  arguments: argumentSources
    .optional()
    .describe(
      'Further arguments: `{call: path}` from the start call, `{answer: place}` from the start answer, or `{value: …}`.',
    ),
  statusAt: places
    .optional()
    .describe(
      'Place of the status word, or of true (done) or false (not yet). If there are several values, all must be done.',
    ),
  says: z
    .partialRecord(endStatus, phrases)
    .optional()
    .describe('For states in sentences: phrases of the text, by the state that they mean.'),
  handleAt: places
    .optional()
    .describe('Place where the answer repeats the handle. An answer about another task is refused.'),
  resultAt: places.optional().describe('Place of the result.'),
  resultAlone: z
    .boolean()
    .default(false)
    .describe(
      'Whether only the JSON at `resultAt` is the result (even null), and only the reason is the failure. The rest of the answer is dropped.',
    ),
  errorAt: places
    .optional()
    .describe('Place of the reason of a failure. If it has a value, the task has failed.'),
  notFoundCodes: z
    .array(text)
    .max(20)
    .optional()
    .describe(
      'For a tool whose errors do not report the state: the codes at `errorAt.code` that mean that the task does not exist. Any other error is about the request.',
    ),
  exitCodeAt: places.optional().describe('Place of an exit code. If it is not 0, the task has failed.'),
  messageAt: places.optional().describe('Place of a sentence about the state.'),
  progressAt: places
    .optional()
    .describe(
      "Place of the progress: a number, a percentage (`40%`, or a number under a name such as `progress` or `percent` without `totalAt`), or an object in MCP's shape.",
    ),
  totalAt: places.optional().describe('Place of the number at which progress is complete.'),
  questionsAt: places
    .optional()
    .describe('Place of the questions of a task that waits for answers: by key, as requests of MCP.'),
  pollAfterMsAt: places.optional().describe('Place of the number of milliseconds to wait.'),
  pollAfterSecondsAt: places.optional().describe('Place of the number of seconds to wait.'),
  waitArgument: waitArgument
    .optional()
    .describe('The argument with which the tool holds its answer until the task ends (long poll).'),
  many: many.optional().describe('For a tool that reports many tasks in one answer.'),
  mayHold: z
    .boolean()
    .default(false)
    .describe('Whether the tool may hold its answer until the task ends, without an argument for it.'),
});

const cancel = z.strictObject({
  tool: toolName.describe('The tool that cancels a task.'),
  handleArgument: path.describe('Its argument for the handle.'),
  arguments: argumentSources.optional().describe('As for the status tool.'),
});

const result = z.strictObject({
  tool: toolName.describe('The tool that has the result when the task is completed.'),
  arguments: argumentSources.describe(
    'As for the status tool; `{answer: place}` is from the last status answer.',
  ),
  handleArgument: path.optional().describe('Its argument for the handle, if it has one.'),
  alsoFailed: z.boolean().default(false).describe('Whether it also has details of a failed task.'),
  whenMissing: z
    .boolean()
    .default(false)
    .describe('Whether it is asked only if the status answer has no result, or no reason of a failure.'),
});

export const statusWordsSchema = z
  .record(z.string().min(1).max(100), endStatus)
  .refine(words => Object.keys(words).length <= 100, 'expected at most 100 words');

/** What a pair of tools is. Every field has its sentence here; docs/start-status-pairs.md shows them. */
export const pairProfileSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w@/.-]{1,100}$/, 'expected letters, digits, and . / @ _ -')
    .describe('Name of the profile. References contain it, so do not change it while tasks may be resumed.'),
  version: z.int().positive().default(1).describe('Version, increased when the profile changes.'),
  source: z
    .string()
    .max(500)
    .optional()
    .describe('Origin of the profile: a package and its version, or a page.'),
  start: start.describe('The start tool.'),
  marked: marked
    .optional()
    .describe(
      'For tools that take the arguments of the work and may start a task, as `_meta` of their definition says.',
    ),
  status: status.describe('The status tool.'),
  result: result.optional().describe('The tool that has the result, if the status answer does not have it.'),
  cancel: cancel.optional().describe('The tool that cancels.'),
  words: statusWordsSchema
    .default({})
    .describe(
      "The server's own status words, which override the usual words. Case, blanks, - and _ do not matter. A word may be a number, and `key=word` counts only under that key.",
    ),
  hides: z.array(toolName).max(20).default([]).describe('Further tools that an agent does not see.'),
});

/** A start tool and the tool that tells its state, as data (docs/start-status-pairs.md). */
export type PairProfile = z.input<typeof pairProfileSchema>;

/** A profile with its defaults. */
export type Pair = z.output<typeof pairProfileSchema>;

/** A path of keys joined by dots (`*` for each of a list), or a label in text. */
export type Place = z.output<typeof place>;
export type Places = z.output<typeof places>;
export type ArgumentSources = z.output<typeof argumentSources>;

/** The profile with further status words, which come before its own. */
export function withWords(pair: Pair, words: Pair['words'] = {}): Pair {
  return Object.keys(words).length === 0 ? pair : { ...pair, words: { ...pair.words, ...words } };
}
