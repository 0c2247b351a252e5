import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { planTool, protocolByName, protocols } from '../../src/protocols/index.js';

const tool = (name: string): Tool => ({ name, inputSchema: { type: 'object' } });

test('every protocol is found by its own name, and none by another', () => {
  for (const protocol of protocols) expect(protocolByName(protocol.name)).toBe(protocol);
  expect(protocolByName('carrier-pigeon')).toBeUndefined();
});

test('`sync` recognises every tool and is asked last', () => {
  expect(protocols.at(-1)?.name).toBe('sync');
  expect(planTool(tool('anything'), { tools: [] }).protocol.name).toBe('sync');
});

test('a tool that a more specific protocol recognises is awaited by that one', () => {
  const tools = [tool('initiate_background_task'), tool('resolve_task_status')];
  const plans = tools.map(each => planTool(each, { tools }).protocol.name);
  expect(plans).toEqual(['tool-pair', 'sync']);
});
