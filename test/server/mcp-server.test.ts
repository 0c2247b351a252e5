import { expect, test } from 'vitest';
import { connectTools } from '../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../fixtures/server/test-operations.js';

test('lists the three tools of every operation, each with schemas and annotations, and one for each operation', async () => {
  const { client } = await (await connectTools([echo])).connect();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'initiate_background_task',
    'resolve_task_status',
    'cancel_background_task',
    'echo',
  ]);
  for (const tool of tools.slice(0, 3)) {
    expect(tool).toMatchObject({
      title: expect.any(String),
      description: expect.any(String),
      inputSchema: { type: 'object', additionalProperties: false },
      outputSchema: { type: 'object' },
      annotations: { readOnlyHint: tool.name === 'resolve_task_status' },
    });
  }
  expect(client.getInstructions()).toContain('initiate_background_task');
});

test('tells a model which operations there are and what each takes', async () => {
  const { client } = await (await connectTools([echo, heldOperation().operation])).connect();
  const initiate = (await client.listTools()).tools[0];
  expect(initiate?.inputSchema).toMatchObject({
    required: ['operation_type'],
    properties: { operation_type: { enum: ['echo', 'held'] } },
  });
  expect(initiate?.description).toContain('- echo: Returns its input. Parameters: {"type":"object"');
  expect(initiate?.description).toContain('"label"');
});

test('refuses an unknown tool with -32602 and the names of its tools', async () => {
  const { client } = await (await connectTools([echo])).connect();
  await expect(client.callTool({ name: 'initiate' })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringMatching(/Unknown tool: initiate\..*initiate_background_task, resolve_task_status/),
  });
});

test('refuses an unknown method with -32601 and goes on', async () => {
  const { client } = await (await connectTools([echo])).connect();
  await expect(client.listResources()).rejects.toThrow();
  expect(await client.ping()).toEqual({});
});
