import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { RequestError } from '../../src/server/request-error.js';
import { CODE } from '../../src/server/revision-2026-07-28/wire.js';
import type { CallContext, ServerTool } from '../../src/server/tools/server-tool.js';
import { sleep } from '../../src/time/sleep.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

const text = (words: string) => ({ type: 'text' as const, text: words });
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };

function plainTool(
  name: string,
  answer: (context: CallContext, args: Readonly<Record<string, unknown>>) => Promise<CallToolResult>,
): [string, ServerTool] {
  const inputSchema = { type: 'object' as const };
  const definition = { name, description: 'Called by the conformance suite.', inputSchema };
  return [name, { definition, call: (args, context) => answer(context, (args ?? {}) as object as never) }];
}

/** Tools that answer at once, with every kind of content. */
export const plainTools: ReadonlyMap<string, ServerTool> = new Map([
  plainTool('greet', async (_, { name }) => ({ content: [text(`Hello, ${name}!`)] })),
  plainTool('test_simple_text', async () => ({
    content: [text('This is a simple text response for testing.')],
  })),
  plainTool('test_image_content', async () => ({ content: [image] })),
  plainTool('test_audio_content', async () => ({
    content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  })),
  plainTool('test_embedded_resource', async () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  plainTool('test_multiple_content_types', async () => ({
    content: [
      text('Multiple content types test:'),
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  })),
  plainTool('test_error_handling', async () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  })),
  plainTool('test_logging_tool', async () => ({ content: [text('There is no log')] })),
  plainTool('test_missing_capability', async () => {
    throw new RequestError(CODE.missingCapability, 'This tool needs sampling', {
      data: { requiredCapabilities: { sampling: {} } },
      httpStatus: 400,
    });
  }),
  plainTool('test_tool_with_progress', async ({ reportProgress, signal }) => {
    for (const progress of [0, 50, 100]) {
      reportProgress?.({ progress, total: 100 });
      await sleep(50, signal);
    }
    return { content: [text('All progress was reported')] };
  }),
]);
