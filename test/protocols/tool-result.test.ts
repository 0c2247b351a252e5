import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  outcomeOfResult,
  payloadOf,
  resultOfOutcome,
  resultOfValue,
  textOf,
} from '../../src/protocols/tool-result.js';

const textBlock = (text: string) => ({ type: 'text' as const, text });

test('a result without an error is a completed outcome that is the very same result', () => {
  const result: CallToolResult = { content: [textBlock('done')], isError: false };
  const outcome = outcomeOfResult(result);
  expect(outcome).toEqual({ status: 'completed', result });
  expect(resultOfOutcome(outcome)).toBe(result);
});

test.each<[string, CallToolResult, object]>([
  [
    'a structured error',
    {
      isError: true,
      content: [],
      structuredContent: { error: { code: 'X', message: 'y', retryable: true } },
    },
    { code: 'X', message: 'y', retryable: true },
  ],
  [
    'an error as JSON text',
    { isError: true, content: [textBlock('{"error":{"code":"X","message":"y"}}')] },
    { code: 'X', message: 'y' },
  ],
  [
    'texts',
    { isError: true, content: [textBlock('no'), textBlock('luck')] },
    { code: 'TOOL_ERROR', message: 'no\nluck' },
  ],
  [
    'an error of another shape',
    { isError: true, content: [textBlock('no')], structuredContent: { error: 'broken' } },
    { code: 'TOOL_ERROR', message: 'no' },
  ],
  ['nothing', { isError: true, content: [] }, { code: 'TOOL_ERROR', message: expect.stringMatching(/./) }],
])('an error result with %s is a failed outcome that keeps the result', (_what, result, error) => {
  const outcome = outcomeOfResult(result);
  expect(outcome).toEqual({ status: 'failed', error, result });
  expect(resultOfOutcome(outcome)).toBe(result);
});

test.each([
  ['failed', 'The task failed: X: y'],
  ['cancelled', 'The task was cancelled: X: y'],
] as const)('a task that is %s becomes an error result for models and programs', (status, text) => {
  expect(resultOfOutcome({ status, error: { code: 'X', message: 'y', retryable: false } })).toEqual({
    isError: true,
    content: [textBlock(text)],
    structuredContent: { status, error: { code: 'X', message: 'y', retryable: false } },
  });
});

test.each<[string, CallToolResult, unknown]>([
  ['structuredContent', { content: [textBlock('{"a":1}')], structuredContent: { a: 2 } }, { a: 2 }],
  ['a text that is JSON', { content: [textBlock('{"a":1}')] }, { a: 1 }],
  ['the first text that is a JSON object', { content: [textBlock('[1]'), textBlock('{"a":1}')] }, { a: 1 }],
  ['nowhere when no text is JSON', { content: [textBlock('a')] }, undefined],
  ['nowhere when the JSON is no object', { content: [textBlock('null'), textBlock('3')] }, undefined],
  ['nowhere in an image', { content: [{ type: 'image', data: 'e30=', mimeType: 'image/png' }] }, undefined],
  ['nowhere in a result without content', {} as CallToolResult, undefined],
])('the data of a result is found in %s', (_where, result, payload) => {
  expect(payloadOf(result)).toEqual(payload);
});

test('the text of a result is all of its text blocks', () => {
  const image = { type: 'image' as const, data: 'AA==', mimeType: 'image/png' };
  expect(textOf({ content: [textBlock('a'), image, textBlock('b')] })).toBe('a\nb');
});

test('every JSON value becomes a result whose text is that JSON and whose data holds it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const result = resultOfValue(value);
      if (result === value) return;
      expect(result.content).toEqual([textBlock(JSON.stringify(value))]);
      const data = payloadOf(result);
      expect([data, data?.result]).toContainEqual(value);
    }),
  );
});

test('a value that is a tool result already stays as it is', () => {
  const result = { content: [textBlock('hi')], structuredContent: { a: 1 } };
  expect(resultOfValue(result)).toBe(result);
});
