import type { InputRequired, Rounds, ServerTool } from '../../src/server/tools/server-tool.js';

const elicitation = (message: string, property: string) => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message,
    requestedSchema: {
      type: 'object',
      properties: { [property]: { type: 'string' } },
      required: [property],
    },
  },
});

const sampling = (words: string) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: words } }], maxTokens: 100 },
});

const roots = { method: 'roots/list', params: {} };

/** What each tool asks before it answers, in one round, whether our operations could ask it or not. */
const QUESTIONS: Readonly<Record<string, Readonly<Record<string, { method: string }>>>> = {
  test_input_required_result_elicitation: { user_name: elicitation('What is your name?', 'name') },
  test_input_required_result_sampling: { capital_question: sampling('What is the capital of France?') },
  test_input_required_result_list_roots: { client_roots: roots },
  test_input_required_result_multiple_inputs: {
    user_name: elicitation('What is your name?', 'name'),
    greeting: sampling('Generate a greeting'),
    client_roots: roots,
  },
  test_input_required_result_capabilities: {
    user_name: elicitation('What is your name?', 'name'),
    greeting: sampling('Generate a greeting'),
  },
};

const CAPABILITY: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** Tools that answer with questions first, in the protocol that has rounds. */
export function roundTools(own: ReadonlyMap<string, ServerTool>): ReadonlyMap<string, ServerTool> {
  const tools = Object.entries(QUESTIONS).map(([name, questions]): [string, ServerTool] => [
    name,
    {
      definition: definitionOf(name),
      async call(_, { rounds }) {
        const open = openQuestions(questions, rounds);
        if (open !== undefined) return open;
        return { content: [{ type: 'text', text: JSON.stringify(rounds?.responses ?? {}) }] };
      },
    },
  ]);
  return new Map([...tools, ['test_tool_with_task', asksThenRuns(own.get('greet_slowly'))]]);
}

/** Asks first, and becomes a task then. */
function asksThenRuns(tool: ServerTool | undefined): ServerTool {
  if (tool?.start === undefined) throw new TypeError('greet_slowly is missing');
  const { start } = tool;
  return {
    ...tool,
    definition: definitionOf('test_tool_with_task'),
    async start(_, context) {
      const questions = { user_name: elicitation('What is your name?', 'name') };
      const open = openQuestions(questions, context.rounds);
      if (open !== undefined) return open;
      const answer = context.rounds?.responses?.user_name as { content?: { name?: string } } | undefined;
      return start({ name: answer?.content?.name ?? '' }, context);
    },
  };
}

function openQuestions(
  questions: Readonly<Record<string, { method: string }>>,
  rounds: Rounds | undefined,
): InputRequired | undefined {
  const open = Object.entries(questions).filter(
    ([key, { method }]) =>
      rounds?.clientCapabilities[CAPABILITY[method] ?? ''] !== undefined &&
      !isAnswer(rounds.responses?.[key]),
  );
  if (open.length === 0) return undefined;
  return { resultType: 'input_required', inputRequests: Object.fromEntries(open), requestState: 'asked' };
}

function isAnswer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function definitionOf(name: string) {
  return { name, description: 'Called by the conformance suite.', inputSchema: { type: 'object' as const } };
}
