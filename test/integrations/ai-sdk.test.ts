import { generateText, stepCountIs, streamText } from 'ai';
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { describe, expect, it, vi } from 'vitest';
import { aiSdkTools, type ToolProgress } from '../../src/integrations/ai-sdk.js';
import { agentServer } from '../fixtures/integrations/agent-server.js';

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** A model that calls a tool in its first answer, and then says what it was told. */
function scriptedModel(toolName: string, input: object = {}) {
  const parts = [
    {
      content: { type: 'tool-call' as const, toolCallId: 'call-1', toolName, input: JSON.stringify(input) },
      finishReason: { unified: 'tool-calls' as const, raw: undefined },
    },
    {
      content: { type: 'text' as const, text: 'Enjoy it.' },
      finishReason: { unified: 'stop' as const, raw: undefined },
    },
  ];
  const next = () => parts.shift() ?? Promise.reject(new Error('The script is over.'));
  return new MockLanguageModelV3({
    async doGenerate() {
      const { content, finishReason } = await next();
      return { content: [content], finishReason, usage, warnings: [] };
    },
    async doStream() {
      const { content, finishReason } = await next();
      const { text = '' } = content as { text?: string };
      const told =
        content.type === 'tool-call'
          ? [content]
          : [
              { type: 'text-start' as const, id: '1' },
              { type: 'text-delta' as const, id: '1', delta: text },
              { type: 'text-end' as const, id: '1' },
            ];
      const chunks = [...told, { type: 'finish' as const, finishReason, usage }];
      return { stream: simulateReadableStream({ chunks }) };
    },
  });
}

/** What the model was told of its call. */
const toldTo = ({ doGenerateCalls }: MockLanguageModelV3) =>
  doGenerateCalls
    .at(-1)
    ?.prompt.flatMap(({ role, content }) => (role === 'tool' ? content : []))
    .map(part => (part.type === 'tool-result' ? part.output : undefined));

const run = { prompt: 'A cake, please.', stopWhen: stepCountIs(3) };

describe('the tools of a server in the AI SDK', () => {
  it('are described by the JSON Schema of the server, unchanged, and give the final result in one call', async () => {
    const { client, baked } = await agentServer();
    const model = scriptedModel('bake', { layers: 2 });
    const { text, steps } = await generateText({ ...run, model, tools: await aiSdkTools(client) });
    expect(text).toBe('Enjoy it.');
    expect(steps).toHaveLength(2);
    expect(baked).toEqual([{ layers: 2 }]);
    expect(toldTo(model)).toEqual([{ type: 'text', value: '{"cake":"plain cake of 2 layers"}' }]);
    expect(steps[0]?.toolResults[0]?.output).toMatchObject({
      structuredContent: { cake: 'plain cake of 2 layers' },
    });
    const { tools } = await client.sdkClient.listTools();
    const listed = tools.find(({ name }) => name === 'bake');
    const shown = model.doGenerateCalls[0]?.tools?.find(({ name }) => name === 'bake');
    expect(shown).toMatchObject({ description: listed?.description, inputSchema: listed?.inputSchema });
  });

  it('tell how far they are as preliminary results', async () => {
    const { client, serve } = await agentServer();
    const model = scriptedModel('simmer', { of: 'leek' });
    const results = [];
    for await (const part of streamText({ ...run, model, tools: await aiSdkTools(client) }).fullStream) {
      if (part.type !== 'tool-result') continue;
      results.push(part);
      if ((part.output as Partial<ToolProgress>).total === 4) serve();
    }
    const last = results.pop();
    expect(last?.preliminary).not.toBe(true);
    expect(last?.output).toMatchObject({ structuredContent: { soup: 'leek soup' } });
    expect(results).toContainEqual(
      expect.objectContaining({
        preliminary: true,
        output: expect.objectContaining({
          type: 'tool-progress',
          toolCallId: 'call-1',
          progress: 1,
          total: 4,
        }),
      }),
    );
  });

  it('give the model a failed task as an error with its code', async () => {
    const { client } = await agentServer();
    const model = scriptedModel('burn');
    await generateText({ ...run, model, tools: await aiSdkTools(client) });
    expect(toldTo(model)).toEqual([
      { type: 'error-text', value: expect.stringContaining('OVEN_TOO_HOT: The oven is at 400 degrees.') },
    ]);
  });

  it('end their wait with the abort signal', async () => {
    const started = vi.fn();
    const { client } = await agentServer({ onEvent: ({ type }) => type === 'task-started' && started() });
    const controller = new AbortController();
    const generating = generateText({
      ...run,
      model: scriptedModel('forever'),
      tools: await aiSdkTools(client),
      abortSignal: controller.signal,
    });
    const end = generating.then(
      () => {},
      () => {},
    );
    await vi.waitFor(() => expect(started).toHaveBeenCalled(), { timeout: 20_000 });
    controller.abort();
    await end;
    expect(client.stats().tools).toMatchObject([{ tool: 'forever', running: 0, left: 1 }]);
  });
});
