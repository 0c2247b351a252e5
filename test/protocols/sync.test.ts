import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { sync } from '../../src/protocols/sync.js';
import { json, type Reply, silence, text } from '../fixtures/client/scripted-server.js';
import { describeProtocol, type Scenario } from './conformance.js';
import { openScripted } from './scripted-connection.js';

const tool: Tool = { name: 'render', inputSchema: { type: 'object' } };
const noTask = 'a synchronous call has no task apart from its request';

const replies: Partial<Record<Scenario, Reply>> = {
  failed: json({ error: { code: 'NO_SCENE', message: 'There is no scene.', retryable: false } }, true),
  silent: silence,
};

describeProtocol('sync', {
  protocol: sync,
  tool,
  server: { tools: [tool] },
  open: scenario => openScripted({ render: replies[scenario] ?? text('done') }),
  result: { content: [{ type: 'text', text: 'done' }] },
  error: { code: 'NO_SCENE', message: 'There is no scene.', retryable: false },
  skipped: {
    handle: noTask,
    cancel: noTask,
    cancelled: noTask,
    'unknown-word': 'a tool result has no status word',
    'foreign-answer': 'JSON-RPC ids already tie an answer to its call',
  },
});

test.each([
  [undefined, false],
  [{}, false],
  [{ idempotentHint: true }, true],
  [{ readOnlyHint: true }, true],
  [{ destructiveHint: false }, false],
])('with the annotations %j a tool counts as idempotent: %s', (annotations, idempotent) => {
  expect(sync.plan({ ...tool, annotations }, { tools: [] })?.idempotent).toBe(idempotent);
});

test('every tool is recognised, shown as it is, and hides nothing', () => {
  const plan = sync.plan(tool, { tools: [tool] });
  expect(plan).toMatchObject({ startKind: 'blocking', hiddenTools: [] });
  expect(plan?.listed).toBe(tool);
});
