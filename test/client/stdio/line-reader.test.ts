import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { LineReader } from '../../../src/client/stdio/line-reader.js';

function reader(maxBytes = 1e6) {
  const told = { lines: [] as string[], heads: [] as string[], tails: [] as string[] };
  const lines = new LineReader({
    maxBytes,
    onLine: line => told.lines.push(line),
    onTooLarge: head => told.heads.push(head),
    onDropped: tail => told.tails.push(tail),
  });
  return { lines, told };
}

test('lines are the same however the bytes are cut', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', '')));
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 5 })), (wanted, cuts) => {
      const { lines, told } = reader();
      const bytes = Buffer.from(wanted.map(line => `${line}\n`).join(''));
      let start = 0;
      for (const size of cuts) {
        lines.push(bytes.subarray(start, start + size));
        start += size;
      }
      lines.push(bytes.subarray(start));
      expect(told.lines).toEqual(wanted);
    }),
  );
});

test('the bytes of a line in many chunks are copied once', () => {
  const { lines, told } = reader(1e8);
  const concat = vi.spyOn(Buffer, 'concat');
  for (let count = 0; count < 1000; count++) lines.push(Buffer.alloc(1000, 'x'));
  lines.push(Buffer.from('\n'));
  const copied = concat.mock.results.reduce((sum, { value }) => sum + value.length, 0);
  concat.mockRestore();
  expect([told.lines[0]?.length, copied]).toEqual([1e6, 1e6]);
});

test('a line that is too large is told with its beginning, dropped, and told with its end', () => {
  const { lines, told } = reader(5000);
  lines.push(Buffer.from(`begin${'x'.repeat(3000)}`));
  expect(told.heads).toEqual([]);
  lines.push(Buffer.from('x'.repeat(3000)));
  expect(told.heads).toEqual([`begin${'x'.repeat(1019)}`]);
  for (let count = 0; count < 100; count++) lines.push(Buffer.from('x'.repeat(3000)));
  lines.push(Buffer.from('end\nnext\n'));
  expect(told.tails).toEqual([`${'x'.repeat(1021)}end`]);
  expect(told.lines).toEqual(['next']);
});

test('what is not ended by a line break can be looked at, taken and forgotten', () => {
  const { lines, told } = reader();
  lines.push(Buffer.from('one {"a":'));
  expect([lines.peek(), lines.mayBeComplete]).toEqual(['one {"a":', false]);
  lines.push(Buffer.from('1} \r'));
  expect([lines.peek(), lines.mayBeComplete]).toEqual(['one {"a":1} \r', true]);
  lines.clear();
  lines.push(Buffer.from('two'));
  lines.flush();
  expect(told.lines).toEqual(['two']);
});
