import { Agent, type Model, type ModelRequest, Runner, Usage } from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { openaiAgentsServer } from '../../src/integrations/openai-agents.js';
import { agentServer } from '../fixtures/integrations/agent-server.js';

/** A model that calls a tool in its first answer, and then says what it was told. */
class ScriptedModel implements Model {
  readonly requests: ModelRequest[] = [];
  readonly #call: { readonly name: string; readonly args: object };

  constructor(name: string, args: object = {}) {
    this.#call = { name, args };
  }

  async getResponse(request: ModelRequest) {
    this.requests.push(request);
    const told = this.told();
    const output =
      told === undefined
        ? {
            type: 'function_call' as const,
            callId: 'call-1',
            name: this.#call.name,
            arguments: JSON.stringify(this.#call.args),
            status: 'completed' as const,
          }
        : {
            type: 'message' as const,
            role: 'assistant' as const,
            status: 'completed' as const,
            content: [{ type: 'output_text' as const, text: JSON.stringify(told) }],
          };
    return { usage: new Usage(), output: [output] };
  }

  // biome-ignore lint/correctness/useYield: nobody streams here
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error('Nobody streams here.');
  }

  told(): unknown {
    const input = this.requests.at(-1)?.input;
    const last = Array.isArray(input) ? input.at(-1) : undefined;
    return last?.type === 'function_call_result' ? last.output : undefined;
  }
}

const runner = new Runner({ tracingDisabled: true });

describe('a client as a server of the OpenAI Agents SDK', () => {
  it('gives the final result in one call, and the JSON Schema of the server', async () => {
    const { client, baked } = await agentServer();
    const model = new ScriptedModel('bake', { layers: 2 });
    const agent = new Agent({ name: 'Baker', model, mcpServers: [await openaiAgentsServer(client)] });
    const { finalOutput } = await runner.run(agent, 'A cake, please.');
    expect(finalOutput).toContain('plain cake of 2 layers');
    expect(model.requests).toHaveLength(2);
    expect(baked).toEqual([{ layers: 2 }]);
    const { tools } = await client.sdkClient.listTools();
    const { properties, required } = tools.find(({ name }) => name === 'bake')?.inputSchema ?? {};
    const shown = model.requests[0]?.tools.find(tool => tool.type === 'function' && tool.name === 'bake');
    expect(shown).toMatchObject({ parameters: { properties, required } });
    expect(model.requests[0]?.tools.map(tool => tool.name)).not.toContain('resolve_task_status');
  });

  it('gives the model a failed task as an error with its code', async () => {
    const { client } = await agentServer();
    const model = new ScriptedModel('burn');
    const agent = new Agent({ name: 'Baker', model, mcpServers: [await openaiAgentsServer(client)] });
    await runner.run(agent, 'A cake, please.');
    expect(JSON.stringify(model.told())).toContain('OVEN_TOO_HOT: The oven is at 400 degrees.');
  });

  it('gives the structured content where the SDK asks for it', async () => {
    const { client } = await agentServer();
    const model = new ScriptedModel('bake', { layers: 1 });
    const server = Object.assign(await openaiAgentsServer(client), { useStructuredContent: true });
    await runner.run(new Agent({ name: 'Baker', model, mcpServers: [server] }), 'A cake, please.');
    expect(JSON.stringify(model.told())).toContain('plain cake of 1 layers');
  });

  it('ends a wait with the signal of the call', async () => {
    const { client } = await agentServer();
    const server = await openaiAgentsServer(client);
    const callTool: (...call: unknown[]) => Promise<unknown> = server.callTool.bind(server) as never;
    const call = callTool('forever', {}, undefined, { signal: AbortSignal.abort(new Error('enough')) });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
