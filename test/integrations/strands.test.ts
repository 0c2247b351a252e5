import {
  Agent,
  type BaseModelConfig,
  type Message,
  Model,
  type ModelStreamEvent,
  type StreamOptions,
} from '@strands-agents/sdk';
import { describe, expect, it, vi } from 'vitest';
import { strandsTools } from '../../src/integrations/strands.js';
import { agentServer } from '../fixtures/integrations/agent-server.js';

/** A model that calls a tool in its first answer, and then ends. */
class ScriptedModel extends Model {
  readonly requests: { messages: Message[]; options: StreamOptions | undefined }[] = [];
  readonly #call: { readonly name: string; readonly input: object };

  constructor(name: string, input: object = {}) {
    super();
    this.#call = { name, input };
  }

  override updateConfig(): void {}

  override getConfig(): BaseModelConfig {
    return { modelId: 'scripted' };
  }

  override async *stream(messages: Message[], options?: StreamOptions): AsyncGenerator<ModelStreamEvent> {
    this.requests.push({ messages: [...messages], options });
    const first = this.requests.length === 1;
    const { name, input } = this.#call;
    yield { type: 'modelMessageStartEvent', role: 'assistant' };
    if (first) {
      yield {
        type: 'modelContentBlockStartEvent',
        start: { type: 'toolUseStart', name, toolUseId: 'call-1' },
      };
      yield {
        type: 'modelContentBlockDeltaEvent',
        delta: { type: 'toolUseInputDelta', input: JSON.stringify(input) },
      };
    } else {
      yield { type: 'modelContentBlockStartEvent' };
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: 'Enjoy it.' } };
    }
    yield { type: 'modelContentBlockStopEvent' };
    yield { type: 'modelMessageStopEvent', stopReason: first ? 'toolUse' : 'endTurn' };
  }

  told(): unknown {
    return this.requests.at(-1)?.messages.at(-1)?.content[0];
  }
}

const ask = 'A cake, please.';

describe('the tools of a server in Strands', () => {
  it('give the final result in one call, and are described by the JSON Schema of the server, unchanged', async () => {
    const { client, baked } = await agentServer();
    const model = new ScriptedModel('bake', { layers: 2 });
    const agent = new Agent({ model, tools: await strandsTools(client), printer: false });
    const result = await agent.invoke(ask);
    expect(String(result)).toContain('Enjoy it.');
    expect(model.requests).toHaveLength(2);
    expect(baked).toEqual([{ layers: 2 }]);
    expect(model.told()).toMatchObject({
      status: 'success',
      toolUseId: 'call-1',
      content: [{ text: '{"cake":"plain cake of 2 layers"}' }],
    });
    const { tools } = await client.sdkClient.listTools();
    const listed = tools.find(({ name }) => name === 'bake');
    const shown = model.requests[0]?.options?.toolSpecs?.find(({ name }) => name === 'bake');
    expect(shown?.inputSchema).toEqual(listed?.inputSchema);
  });

  it('tell how far they are as stream events', async () => {
    const { client, serve } = await agentServer();
    const model = new ScriptedModel('simmer', { of: 'leek' });
    const agent = new Agent({ model, tools: await strandsTools(client), printer: false });
    let told = '';
    for await (const event of agent.stream(ask)) {
      told += `${JSON.stringify(event)}\n`;
      if (/"total":4/.test(told)) serve();
    }
    expect(told).toMatch(/"type":"tool-progress","tool":"simmer","toolCallId":"call-1"[^}]*"total":4/);
    expect(model.told()).toMatchObject({ status: 'success', content: [{ text: '{"soup":"leek soup"}' }] });
  });

  it('give the model a failed task as an error with its code', async () => {
    const { client } = await agentServer();
    const model = new ScriptedModel('burn');
    await new Agent({ model, tools: await strandsTools(client), printer: false }).invoke(ask);
    expect(model.told()).toMatchObject({
      status: 'error',
      content: [{ text: expect.stringContaining('OVEN_TOO_HOT: The oven is at 400 degrees.') }],
    });
  });

  it('end their wait when the agent is cancelled', async () => {
    const started = vi.fn();
    const { client } = await agentServer({ onEvent: ({ type }) => type === 'task-started' && started() });
    const agent = new Agent({
      model: new ScriptedModel('forever'),
      tools: await strandsTools(client),
      printer: false,
    });
    const running = agent.invoke(ask);
    await vi.waitFor(() => expect(started).toHaveBeenCalled(), { timeout: 20_000 });
    agent.cancel();
    expect(await running).toMatchObject({ stopReason: 'cancelled' });
    await vi.waitFor(() => expect(client.stats().tools).toMatchObject([{ running: 0, left: 1 }]));
  });
});
