// Ways to wait for the same tool of the same server. Each opens a connection and gives `run(seconds)`, which returns what
// the tool returned, and `close()`.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

const TOOL = 'timed_sleep';
const info = { name: 'bench', version: '1' };
const ended = new Set(['completed', 'failed', 'cancelled']);

async function sdkClient(url) {
  const client = new Client(info);
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

/** A loop over the start/status pair, as programs write it by hand; `delays` are seconds. */
function ownLoop(delays) {
  return async url => {
    const client = await sdkClient(url);
    const call = async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent;
    return {
      async run(seconds) {
        const { task_ref } = await call('initiate_background_task', {
          operation_type: TOOL,
          parameters: { seconds },
        });
        for (let attempt = 0; ; attempt++) {
          await sleep(delays(attempt) * 1000);
          const { status, result } = await call('resolve_task_status', { task_ref });
          if (ended.has(status)) return result;
        }
      },
      close: () => client.close(),
    };
  };
}

/** This library; `options` choose the generation of the protocol, and `asNative` hides that the tool is of a known pair. */
function ours(options, { asNative = false } = {}) {
  return async url => {
    const { AwaitClient } = await import('mcp-await');
    const client = await AwaitClient.connect(url, options);
    const { transport } = client;
    const deliver = transport.onmessage;
    transport.onmessage = (message, extra) => {
      if (asNative) for (const tool of message.result?.tools ?? []) delete tool._meta;
      deliver(message, extra);
    };
    return {
      run: async seconds => (await client.callTool({ name: TOOL, arguments: { seconds } })).structuredContent,
      close: () => client.close(),
    };
  };
}

/** A contender by what it awaits. */
export const contenders = {
  'mcp-await, tool pair': ours(),
  'mcp-await, tasks 2025-11-25': ours({ discoverTimeoutMs: 0 }, { asNative: true }),
  'mcp-await, tasks 2026-07-28': ours({}, { asNative: true }),
  'backoff 1, 2, 4 … 30 s': ownLoop(attempt => Math.min(2 ** attempt, 30)),
  'fixed 1 s': ownLoop(() => 1),
  'SDK callToolStream': async url => {
    const client = await sdkClient(url);
    await client.listTools();
    return {
      async run(seconds) {
        const stream = client.experimental.tasks.callToolStream(
          { name: TOOL, arguments: { seconds } },
          CallToolResultSchema,
          { task: { ttl: 600_000 } },
        );
        for await (const message of stream) {
          if (message.type === 'result') return message.result.structuredContent;
          if (message.type === 'error') throw message.error;
        }
      },
      close: () => client.close(),
    };
  },
  'ext-tasks': async url => {
    const { Client: ClientV2, StreamableHTTPClientTransport: TransportV2 } = await import(
      '@modelcontextprotocol/client'
    );
    const { createTaskSessionFromClient, resultFromTaskOutcome } = await import(
      '@modelcontextprotocol/ext-tasks/client'
    );
    const client = new ClientV2(info);
    await client.connect(new TransportV2(new URL(url)));
    const session = createTaskSessionFromClient(client, { endpointId: 'bench' });
    return {
      async run(seconds) {
        const execution = await session.callTool(TOOL, { seconds }, { task: { preference: 'require' } });
        const { outcome } = await execution.settle();
        return resultFromTaskOutcome(outcome).structuredContent;
      },
      async close() {
        await session.close();
        await client.close();
      },
    };
  },
};
