import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { pairProfileSchema } from '../../../src/protocols/pair/profile.js';
import { toolPair } from '../../../src/protocols/tool-pair.js';
import { json, type Reply, silence, text } from '../../fixtures/client/scripted-server.js';
import { describeProtocol, type Scenario } from '../conformance.js';
import { openScripted } from '../scripted-connection.js';

const pair = pairProfileSchema.parse({
  name: 'bakery',
  start: { tool: 'bake' },
  status: { tool: 'look', handleArgument: 'ticket_id', handleAt: 'ticket_id', resultAt: 'cake' },
  cancel: { tool: 'stop', handleArgument: 'ticket_id' },
});

const inputSchema: Tool['inputSchema'] = { type: 'object', properties: { ticket_id: { type: 'string' } } };
const tools: Tool[] = ['bake', 'look', 'stop', 'other'].map(name => ({ name, inputSchema }));
const [tool] = tools as [Tool];

const told = (state: string, fields: object = {}): Reply => json({ ticket_id: 't1', state, ...fields });

const laterStatus: Record<Exclude<Scenario, 'silent'>, Reply> = {
  completed: told('Done', { cake: { layers: 3 } }),
  failed: told('FAILED', { error: { code: 'BURNT', message: 'Too hot.', retryable: true } }),
  cancelled: told('aborted'),
  'unknown-word': told('simmering'),
  'other-task': json({ ticket_id: 't2', state: 'done' }),
  unreadable: text('Have a nice day'),
  'not-found': json({ success: false, error: 'ticket_id not found' }, true),
};

const start = json({ ticket_id: 't1', state: 'queued' });

describeProtocol('tool-pair, by a profile', {
  protocol: toolPair,
  tool,
  server: { tools, pairs: [pair] },
  open: scenario =>
    openScripted(
      scenario === 'silent'
        ? { bake: silence, look: silence, stop: silence }
        : { bake: start, look: [told('running'), laterStatus[scenario]], stop: text('Stopping.') },
      'stop',
    ),
  result: { content: [{ type: 'text', text: '{"layers":3}' }], structuredContent: { layers: 3 } },
  error: { code: 'BURNT', message: 'Too hot.', retryable: true },
});
