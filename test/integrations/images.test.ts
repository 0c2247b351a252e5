import type { ToolMessage } from '@langchain/core/messages';
import { ImageBlock, type ToolContext } from '@strands-agents/sdk';
import { expect, it } from 'vitest';
import { aiSdkTools } from '../../src/integrations/ai-sdk.js';
import { langchainTools } from '../../src/integrations/langchain.js';
import { strandsTools } from '../../src/integrations/strands.js';
import { awaitFixture } from '../fixtures/client/await-fixture.js';

const data = Buffer.from('a picture').toString('base64');
const photograph = () => ({
  content: [
    { type: 'text' as const, text: 'A cake.' },
    { type: 'image' as const, mimeType: 'image/png', data },
  ],
});
const camera = async () => (await awaitFixture({ photograph })).client;

it('LangChain shows a model the image of a result', async () => {
  const [tool] = await langchainTools(await camera());
  const message: ToolMessage = await tool?.invoke({
    type: 'tool_call',
    name: 'photograph',
    id: '1',
    args: {},
  });
  expect(message.content).toEqual([
    { type: 'text', text: 'A cake.' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
  ]);
});

it('the AI SDK shows a model the image of a result', async () => {
  const { photograph: tool } = await aiSdkTools(await camera());
  const output = await tool?.toModelOutput?.({ toolCallId: '1', input: {}, output: photograph() });
  expect(output).toEqual({
    type: 'content',
    value: [
      { type: 'text', text: 'A cake.' },
      { type: 'image-data', mediaType: 'image/png', data },
    ],
  });
});

it('Strands shows a model the image of a result', async () => {
  const [tool] = await strandsTools(await camera());
  const toolUse = { name: 'photograph', toolUseId: '1', input: {} };
  const context = { toolUse, cancelSignal: new AbortController().signal } as unknown as ToolContext;
  const events = tool?.stream(context) ?? expect.fail('There is no tool');
  let step = await events.next();
  while (step.done !== true) step = await events.next();
  const [text, image] = step.value.content;
  expect(text).toMatchObject({ text: 'A cake.' });
  expect(image).toBeInstanceOf(ImageBlock);
  const { source } = image as ImageBlock;
  expect(Buffer.from('bytes' in source ? source.bytes : []).toString()).toBe('a picture');
});
