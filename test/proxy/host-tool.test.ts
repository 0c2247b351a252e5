import { describe, expect, it } from 'vitest';
import { nextProgress } from '../../src/proxy/host-offer.js';
import { hostTool } from '../../src/proxy/host-tool.js';

const inputSchema = { type: 'object' as const };
const output = (outputSchema: object) =>
  hostTool({ name: 'x', inputSchema, outputSchema: outputSchema as never }, 'y').outputSchema;

describe('a tool as the host sees it', () => {
  it('has the name that the host knows, and may run as a task whatever its server says', () => {
    const tool = hostTool({ name: 'x', inputSchema, execution: { taskSupport: 'required' } }, 'a_x');
    expect(tool).toEqual({ name: 'a_x', inputSchema, execution: { taskSupport: 'optional' } });
  });

  it('may be answered with a reference or a failure besides its own result', () => {
    expect(output({ type: 'object', required: ['a'] })).toMatchObject({
      type: 'object',
      anyOf: [{ type: 'object', required: ['a'] }, {}, {}],
    });
  });

  it('keeps definitions where references look for them', () => {
    const $defs = { b: { type: 'string' } };
    const own = { type: 'object', properties: { a: { $ref: '#/$defs/b' } } };
    expect(output({ ...own, $defs })).toMatchObject({ $defs, anyOf: [own, {}, {}] });
  });

  it.each([
    { type: 'object', properties: { a: { $ref: '#/properties/b' }, b: {} } },
    { type: 'object', properties: { a: { $ref: '#' } } },
    { $id: 'x', type: 'object' },
  ])('says nothing of its output where that cannot be moved: %j', schema => {
    expect(output(schema)).toBeUndefined();
  });
});

describe('what a host is told next', () => {
  it.each([
    [undefined, undefined, 0],
    [undefined, { progress: 3, total: 7 }, 3],
    [2, { progress: 3, total: 7 }, 3],
  ])('after %j of %j is %j', (last, told, progress) => {
    expect(nextProgress(last, told).progress).toBe(progress);
  });

  it('grows, also where nothing has', () => {
    expect(nextProgress(3, undefined).progress).toBeGreaterThan(3);
    expect(nextProgress(3, { progress: 3, total: 7 })).toMatchObject({ total: 7 });
    expect(nextProgress(3, { progress: 1 }).progress).toBeGreaterThan(3);
    expect(nextProgress(1e15, undefined).progress).toBeGreaterThan(1e15);
  });
});
