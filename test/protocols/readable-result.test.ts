import { describe, expect, test } from 'vitest';
import { readKnownBlock, toolResultSchema } from '../../src/protocols/readable-result.js';

const text = { type: 'text', text: 'a' };

describe('the answer to a tool call', () => {
  test.each<[string, object, object]>([
    ['of MCP as it is', { content: [text], isError: true }, { content: [text], isError: true }],
    ['without content', { structuredContent: { a: 1 } }, { structuredContent: { a: 1 }, content: [] }],
    [
      'with null for what is absent',
      { content: [text], structuredContent: null, isError: null, _meta: null },
      { content: [text] },
    ],
    ['with null as its content', { content: null }, { content: [] }],
    ['with a text as its content', { content: 'a' }, { content: [text] }],
    ['with one block as its content', { content: text }, { content: [text] }],
    ['with a text among the blocks', { content: ['a', text] }, { content: [text, text] }],
    [
      'with null within a block',
      { content: [{ ...text, annotations: null, _meta: null }] },
      { content: [text] },
    ],
    [
      'with an odd annotation',
      { content: [{ ...text, annotations: { priority: 'high' } }] },
      { content: [{ ...text, annotations: {} }] },
    ],
    [
      'with a block of the future',
      { content: [text, { type: 'video', url: 'x:y' }] },
      { content: [text, { type: 'video', url: 'x:y' }] },
    ],
    [
      'with a block that is not what it says',
      { content: [{ type: 'image', url: 'x' }, text] },
      { content: [{ type: 'text', text: '{"type":"image","url":"x"}' }, text] },
    ],
    [
      'with a block without a type',
      { content: [{ text: 'a' }] },
      { content: [{ type: 'text', text: '{"text":"a"}' }] },
    ],
    [
      'with data that is a list',
      { content: [text], structuredContent: [1] },
      { content: [text], structuredContent: [1] },
    ],
    [
      'with an error that is said in a word',
      { content: [text], isError: 'true' },
      { content: [text], isError: true },
    ],
    ['with no error that is said in a word', { content: [text], isError: 'false' }, { content: [text] }],
  ])('is read %s', (_what, answer, result) => {
    expect(toolResultSchema.parse(answer)).toEqual(result);
  });

  test.each([5, true])('is refused with the content %j', content => {
    expect(toolResultSchema.safeParse({ content }).success).toBe(false);
  });
});

test('a block of the future is its JSON to whoever knows only those of MCP', () => {
  expect(readKnownBlock({ type: 'video' })).toEqual({ type: 'text', text: '{"type":"video"}' });
  expect(readKnownBlock(text)).toEqual(text);
});
