import { setTimeout as sleep } from 'node:timers/promises';
import { encode } from 'gpt-tokenizer';

const tokensOf = value => encode(JSON.stringify(value)).length;

const INSTRUCTIONS = 'You are an assistant with tools. Do what the user asks, and report the result.';

/**
 * Does one job as an agent does: every turn of the model reads the tools and the whole conversation, and answers with a tool
 * call or with the end. Counts the tokens of both with the tokenizer of GPT-4o and its successors.
 */
export async function runAgent({ job, tools, model, call, turnMs }) {
  const messages = [
    { role: 'system', content: INSTRUCTIONS },
    { role: 'user', content: job },
  ];
  const toolTokens = tokensOf(
    tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
  );
  const spent = { turns: 0, inputTokens: 0, outputTokens: 0 };
  for (;;) {
    spent.turns++;
    spent.inputTokens += toolTokens + tokensOf(messages);
    await sleep(turnMs);
    const answer = model(messages);
    spent.outputTokens += tokensOf(answer);
    messages.push({ role: 'assistant', ...answer });
    if (answer.toolCall === undefined) return { ...spent, finished: answer.finished };
    messages.push({ role: 'tool', content: await call(answer.toolCall) });
  }
}

/**
 * Stands in for a model that does everything right: starts the job, asks for its state while it runs, tries again once when a call
 * fails, and gives up after `mostTurns` turns.
 */
export function scriptedModel({ start, statusTool, mostTurns }) {
  return messages => {
    const told = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    const last = told.at(-1);
    if (last === undefined) return { toolCall: start };
    if (last.includes('slept_seconds')) return { content: `Done: ${last}`, finished: true };
    if (told.length + 1 >= mostTurns)
      return { content: 'The job still runs. Ask me again later.', finished: false };
    const taskRef = /"task_ref":"(\w+)"/.exec(last)?.[1];
    if (taskRef !== undefined) return { toolCall: { name: statusTool, arguments: { task_ref: taskRef } } };
    if (told.length < 2) return { toolCall: start };
    return { content: `The tool does not work: ${last}`, finished: false };
  };
}
