import { z } from 'zod';
import { defineOperation, type Operation, OperationError } from '../../src/server/operation.js';
import { sleep } from '../../src/time/sleep.js';

/** Tools that only clients with the tasks extension may call. */
export const TASK_ONLY: readonly string[] = ['failing_job', 'protocol_error_job', 'test_tool_with_task'];

const text = (words: string) => ({ content: [{ type: 'text', text: words }] });

const slowCompute = defineOperation({
  name: 'slow_compute',
  description: 'Takes as long as is asked.',
  input: z.object({ seconds: z.number().default(1), label: z.string().default('') }),
  async run({ seconds, label }, { signal }) {
    await sleep(seconds * 1000, signal);
    return text(`computed ${label} in ${seconds} s`);
  },
});

const failingJob = defineOperation({
  name: 'failing_job',
  description: 'Ends with a tool error.',
  input: z.object({}),
  async run(_, { signal }) {
    await sleep(1000, signal);
    throw new OperationError('BAD_DATA', 'The data cannot be used');
  },
});

const protocolErrorJob = defineOperation({
  name: 'protocol_error_job',
  description: 'Breaks.',
  input: z.object({}),
  async run(_, { signal }) {
    await sleep(300, signal);
    throw new TypeError('a bug');
  },
});

const confirmDelete = defineOperation({
  name: 'confirm_delete',
  description: 'Asks before it deletes.',
  input: z.object({ filename: z.string().default('') }),
  async run({ filename }, { elicit }) {
    const answer = await elicit(z.object({ confirm: z.boolean() }), `Delete ${filename}?`);
    const isConfirmed = answer.action === 'accept' && answer.content.confirm;
    return text(isConfirmed ? `deleted ${filename}` : `kept ${filename}`);
  },
});

const multiInput = defineOperation({
  name: 'multi_input',
  description: 'Asks two things at once.',
  input: z.object({}),
  async run(_, { elicit }) {
    const answers = await Promise.all([
      elicit({ type: 'object', properties: { name: { type: 'string' } } }, 'Who are you?'),
      elicit({ type: 'object', properties: { confirm: { type: 'boolean' } } }, 'Are you sure?'),
    ]);
    return text(`answered: ${JSON.stringify(answers)}`);
  },
});

/** Called by `test_tool_with_task` once it knows the name. */
const greetSlowly = defineOperation({
  name: 'greet_slowly',
  description: 'Greets after a while.',
  input: z.object({ name: z.string() }),
  async run({ name }, { signal }) {
    await sleep(200, signal);
    return text(`Hello, ${name}!`);
  },
});

const testElicitation = defineOperation({
  name: 'test_elicitation',
  description: 'Asks for a name and an address.',
  input: z.object({ message: z.string() }),
  async run({ message }, { elicit }) {
    const properties = {
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    };
    const answer = await elicit({ type: 'object', properties, required: ['username', 'email'] }, message);
    return text(`User response: ${JSON.stringify(answer)}`);
  },
});

const testDefaults = asking('test_elicitation_sep1034_defaults', {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
});

const testEnums = asking('test_elicitation_sep1330_enums', {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: titled('value1', 'value2', 'value3') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: titled('value1', 'value2', 'value3') } },
});

function titled(...values: readonly string[]) {
  return values.map(value => ({ const: value, title: `The ${value}` }));
}

function asking(name: string, properties: Readonly<Record<string, unknown>>) {
  return defineOperation({
    name,
    description: 'Asks a form.',
    input: z.object({}),
    async run(_, { elicit }) {
      const { action, ...rest } = await elicit({ type: 'object', properties }, 'Please fill in');
      const content = 'content' in rest ? rest.content : {};
      return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
    },
  });
}

/** In rounds, where the client has them: with the task's reference as the state. */
const testState = asking('test_input_required_result_request_state', { ok: { type: 'boolean' } });
const testTamperedState = asking('test_input_required_result_tampered_state', { ok: { type: 'boolean' } });

const testStreaming = asking('test_streaming_elicitation', { ok: { type: 'boolean' } });

const testManyRounds = defineOperation({
  name: 'test_input_required_result_multi_round',
  description: 'Asks twice.',
  input: z.object({}),
  async run(_, { elicit }) {
    const name = await elicit(z.object({ name: z.string() }), 'Step 1: What is your name?');
    const color = await elicit(z.object({ color: z.string() }), 'Step 2: What is your favorite color?');
    return text(JSON.stringify([name, color]));
  },
});

export const fixtureOperations: readonly Operation[] = [
  slowCompute,
  failingJob,
  protocolErrorJob,
  confirmDelete,
  multiInput,
  greetSlowly,
  testElicitation,
  testDefaults,
  testEnums,
  testState,
  testTamperedState,
  testStreaming,
  testManyRounds,
];
