import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { modelParts, onlyText } from '../../src/integrations/model-parts.js';

const resource = { uri: 'file:///cake.txt', text: 'a cake' };
const blob = { uri: 'file:///cake.pdf', mimeType: 'application/pdf', blob: 'UERG' };

test.each<[string, CallToolResult, unknown]>([
  ['text', { content: [{ type: 'text', text: 'a' }] }, [{ type: 'text', text: 'a' }]],
  [
    'an image',
    { content: [{ type: 'image', mimeType: 'image/png', data: 'UE5H' }] },
    [{ type: 'media', mimeType: 'image/png', data: 'UE5H' }],
  ],
  [
    'a sound',
    { content: [{ type: 'audio', mimeType: 'audio/wav', data: 'V0FW' }] },
    [{ type: 'media', mimeType: 'audio/wav', data: 'V0FW' }],
  ],
  ['a text resource', { content: [{ type: 'resource', resource }] }, [{ type: 'text', text: 'a cake' }]],
  [
    'a file',
    { content: [{ type: 'resource', resource: blob }] },
    [{ type: 'media', mimeType: 'application/pdf', data: 'UERG' }],
  ],
  [
    'a link',
    { content: [{ type: 'resource_link', name: 'cake', uri: 'file:///cake.txt' }] },
    [{ type: 'text', text: 'cake: file:///cake.txt' }],
  ],
  ['data alone', { content: [], structuredContent: { cake: 1 } }, [{ type: 'text', text: '{"cake":1}' }]],
  ['nothing', { content: [] }, []],
])('of a result with %s a model sees that', (_name, result, parts) => {
  expect(modelParts(result)).toEqual(parts);
});

test('only text is one text', () => {
  expect(
    onlyText([
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]),
  ).toBe('a\nb');
  expect(onlyText([])).toBe('');
  expect(onlyText([{ type: 'media', mimeType: 'image/png', data: '' }])).toBeUndefined();
});
