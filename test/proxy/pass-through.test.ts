import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, vi } from 'vitest';
import { EVERYTHING, newHome, startHost, textOf } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

const capabilities = { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } };
const words = [process.execPath, EVERYTHING, 'stdio'] as const;
const within = { timeout: 20_000, interval: 50 };

const doors = {
  stdio: async (options: object) => (await startHost(['--', ...words], newHome(), options)).client,
  http: async (options: object) => (await startHttpProxy({ everything: words })).connect(options),
};

describe.each(Object.entries(doors))('through a proxy on %s', (_door, connect) => {
  it('resources, templates, prompts and completions are those of the server', async () => {
    const client = await connect({});
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.length).toBeGreaterThan(0);
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri ?? '';
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const dynamic = await client.readResource({ uri: 'demo://resource/dynamic/text/1' });
    expect(dynamic.contents[0]).toMatchObject({ mimeType: 'text/plain' });
    await expect(client.readResource({ uri: 'demo://nobody/has/this' })).rejects.toMatchObject({
      code: -32602,
    });

    const { prompts } = await client.listPrompts();
    expect(prompts.map(prompt => prompt.name)).toContain('simple-prompt');
    expect((await client.getPrompt({ name: 'simple-prompt' })).messages.length).toBeGreaterThan(0);
    await expect(client.getPrompt({ name: 'nobody-has-this' })).rejects.toThrow('Unknown prompt');
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    });
    expect(completion.values).toContain('Engineering');
  });

  it('subscriptions and the log reach the host', async () => {
    const client = await connect({});
    const updated = vi.fn();
    const logged = vi.fn();
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, updated);
    client.setNotificationHandler(LoggingMessageNotificationSchema, logged);
    await client.setLoggingLevel('debug');
    await client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' });
    await client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
    await client.callTool({ name: 'toggle-simulated-logging', arguments: {} });
    await vi.waitFor(() => expect(updated).toHaveBeenCalled(), within);
    await vi.waitFor(() => expect(logged).toHaveBeenCalled(), within);
    await client.unsubscribeResource({ uri: 'demo://resource/dynamic/text/1' });
  });

  it('the server asks what the host can be asked, and nothing else', async () => {
    const without = await connect({});
    const names = async (client: Client) => (await client.listTools()).tools.map(tool => tool.name);
    expect(await names(without)).not.toContain('trigger-elicitation-request');

    const client = await connect({ capabilities });
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'decline' }));
    client.setRequestHandler(CreateMessageRequestSchema, async () => ({
      model: 'none',
      role: 'assistant',
      content: { type: 'text', text: 'a model says this' },
    }));
    client.setRequestHandler(ListRootsRequestSchema, async () => ({
      roots: [{ uri: 'file:///here', name: 'here' }],
    }));
    await vi.waitFor(async () => expect(await names(client)).toContain('get-roots-list'), within);
    const asked = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
    expect(textOf(asked)).toContain('decline');
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'say this', maxTokens: 10 },
    });
    expect(textOf(sampled)).toContain('a model says this');
    const roots = await client.callTool({ name: 'get-roots-list', arguments: {} });
    expect(textOf(roots)).toContain('file:///here');
  });

  it('results come as they are', async () => {
    const client = await connect({});
    const result = await client.callTool({
      name: 'get-structured-content',
      arguments: { location: 'Chicago' },
    });
    expect(result.structuredContent).toMatchObject({ temperature: expect.any(Number) });
    const image = await client.callTool({ name: 'get-tiny-image', arguments: {} });
    expect((image.content as { type: string }[]).map(block => block.type)).toContain('image');
  });
});
