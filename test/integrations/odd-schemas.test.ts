import { AIMessage } from '@langchain/core/messages';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { getAllMcpTools, RunContext } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { aiSdkTools } from '../../src/integrations/ai-sdk.js';
import { langchainTools } from '../../src/integrations/langchain.js';
import { openaiAgentsServer } from '../../src/integrations/openai-agents.js';
import { strandsTools } from '../../src/integrations/strands.js';
import { connectRaw } from '../fixtures/client/raw-server.js';

const properties = (n: object) => ({ type: 'object', properties: { n } });
const schemas: Readonly<Record<string, unknown>> = {
  plain: properties({ type: 'number' }),
  draft3: properties({ type: 'number', required: true, divisibleBy: 1 }),
  draft4: {
    $schema: 'http://json-schema.org/draft-04/schema#',
    ...properties({ minimum: 0, exclusiveMinimum: true }),
  },
  draft6: { $schema: 'http://json-schema.org/draft-06/schema#', ...properties({ const: 1 }) },
  draft2020: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...properties({ prefixItems: [{}] }),
  },
  unknown_draft: { $schema: 'urn:none', ...properties({}) },
  lost_reference: properties({ $ref: '#/$defs/Nope' }),
  far_reference: properties({ $ref: 'https://example.invalid/schema.json' }),
  ring: { ...properties({ $ref: '#/$defs/Ring' }), $defs: { Ring: { $ref: '#/$defs/Ring' } } },
  unknown_type: properties({ type: 'float' }),
  unknown_format: properties({ format: 'moon' }),
  bad_pattern: properties({ pattern: '(?i)a' }),
  bad_enum: properties({ enum: 'one' }),
  any_of: { anyOf: [properties({ type: 'number' })] },
  no_schema: undefined,
};
const names = Object.keys(schemas);

/** A client of a server with these tools, which tells the arguments of each call. */
async function oddClient() {
  const { client } = await connectRaw(({ method, params }) => {
    if (method === 'tools/list')
      return { tools: names.map(name => ({ name, description: name, inputSchema: schemas[name] })) };
    return { content: [{ type: 'text', text: JSON.stringify(params.arguments) }] };
  });
  return new AwaitClient(client);
}

const told = '{"n":1}';

describe('a tool whose schema a framework cannot read is called all the same', () => {
  test('in LangChain', async () => {
    const tools = await langchainTools(await oddClient());
    expect(tools.map(({ name }) => name)).toEqual(names);
    for (const tool of tools) expect(await tool.invoke({ n: 1 })).toBe(told);
    const calls = names.map(name => ({ name, args: { n: 1 }, id: name }));
    const { messages } = await new ToolNode(tools).invoke({
      messages: [new AIMessage({ content: '', tool_calls: calls })],
    });
    expect(messages.map(({ content, tool_call_id }: never) => [tool_call_id, content])).toEqual(
      names.map(name => [name, told]),
    );
  });

  test('in the AI SDK', async () => {
    const tools = await aiSdkTools(await oddClient());
    expect(Object.keys(tools)).toEqual(names);
    for (const name of names) {
      const given = tools[name]?.execute?.({ n: 1 }, { toolCallId: 'a', messages: [] } as never);
      let last: unknown;
      for await (const each of given as AsyncIterable<unknown>) last = each;
      expect(last).toMatchObject({ content: [{ text: told }] });
    }
  });

  test.each([true, false])(
    'in the OpenAI Agents SDK, with strict schemas: %s',
    async convertSchemasToStrict => {
      const server = await openaiAgentsServer(await oddClient());
      const tools = await getAllMcpTools({
        mcpServers: [server],
        convertSchemasToStrict,
        runContext: new RunContext({}),
        agent: { name: 'a' } as never,
      });
      expect(tools.map(({ name }) => name)).toEqual(names);
      for (const tool of tools) {
        if (tool.type !== 'function') throw new TypeError('Expected a function');
        expect(JSON.stringify(await tool.invoke(new RunContext({}), told))).toContain('\\"n\\":1');
      }
    },
  );

  test('in Strands', async () => {
    const tools = await strandsTools(await oddClient());
    expect(tools.map(({ name }) => name)).toEqual(names);
    for (const tool of tools) {
      const stream = tool.stream({ toolUse: { toolUseId: 'a', name: tool.name, input: { n: 1 } } } as never);
      let step = await stream.next();
      while (step.done !== true) step = await stream.next();
      expect(JSON.stringify(step.value)).toContain('\\"n\\":1');
    }
  });
});
