import { expect, test } from 'vitest';
import { AnswerBytes } from '../../../src/client/connection/answer-bytes.js';

const MIB = 1024 * 1024;

test.each([
  ['a small answer', 10, 3],
  ['an answer of some MiB', 5 * MIB, 64 * 1024],
  ['an answer in one large chunk', 3 * MIB, 3 * MIB],
  ['an answer of more than was foreseen', 9 * MIB, MIB],
])('%s is the same text', (_what, size, chunkSize) => {
  const answer = new AnswerBytes(6 * MIB);
  const text = '0123456789'.repeat(Math.ceil(size / 10)).slice(0, size);
  const bytes = Buffer.from(text);
  for (let at = 0; at < size; at += chunkSize) answer.add(bytes.subarray(at, at + chunkSize));
  expect(answer.size).toBe(size);
  expect(text.slice(-2).endsWith(answer.last(2).toString())).toBe(true);
  expect(answer.bytes().equals(bytes)).toBe(true);
  expect(answer.take() === text).toBe(true);
  expect([answer.size, answer.bytes().length, answer.take()]).toEqual([0, 0, '']);
});

test('the memory of a large answer is given back with its text, and is there again for the next', () => {
  const answer = new AnswerBytes(64 * MIB);
  for (let round = 0; round < 2; round++) {
    answer.add(Buffer.alloc(8 * MIB, 'x'));
    const bytes = answer.bytes();
    expect(answer.take()).toHaveLength(8 * MIB);
    // A view of what is not there any more.
    expect(bytes.length).toBe(0);
  }
});

test('characters may be cut anywhere', () => {
  const answer = new AnswerBytes(MIB);
  for (const byte of Buffer.from('a世🌍é')) answer.add(Uint8Array.of(byte));
  expect(answer.take()).toBe('a世🌍é');
});
