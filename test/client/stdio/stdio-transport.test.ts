import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { HandedConversation } from '../../../src/client/stdio/handed-server.js';
import { StdioTransport } from '../../../src/client/stdio/stdio-transport.js';

/** Answers the one request with a line that is too large and begins so. */
async function answered(head: string) {
  const script = `process.stdin.once('data', () => console.log(process.argv[1] + 'x'.repeat(5000)))`;
  const transport = new StdioTransport({
    command: process.execPath,
    args: ['-e', script, head],
    env: {},
    cwd: undefined,
    maxAnswerBytes: 1000,
  });
  const seen = new Promise<JSONRPCMessage | Error>(resolve => {
    transport.onmessage = resolve;
    transport.onerror = resolve;
  });
  await transport.start();
  await transport.send({ jsonrpc: '2.0', id: 7, method: 'tools/call' });
  const first = await seen;
  await transport.close();
  return first;
}

describe('an answer that is too large fails its request', () => {
  test.each([
    ['its id', '{"jsonrpc":"2.0","id":7,"result":"'],
    ['its id as text', '{"jsonrpc":"2.0","id":"7","result":"'],
    ['an id that is no JSON', '{"jsonrpc":"2.0","id":007,"result":"'],
    ['an id with a tab in it', '{"jsonrpc":"2.0","id":"a\tb","result":"'],
  ])('where it begins with %s', async (_what, head) => {
    expect(await answered(head)).toMatchObject({
      id: 7,
      error: { message: expect.stringMatching(/larger than 1000 bytes/) },
    });
  });

  test('and no other one', async () => {
    expect(await answered('{"jsonrpc":"2.0","id":8,"result":"')).toBeInstanceOf(Error);
  });
});

describe('the conversation with a server that another process had', () => {
  const conversation = new HandedConversation({ pid: 1, rest: '', greetings: {} });
  const answer = (id: number): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: {} });

  test.each([0, 41, 500_000_001, 999_999_999])('takes no answer to the request %d of that one', id => {
    expect(conversation.incoming(answer(id))).toBeUndefined();
    expect(conversation.ownId(id)).toBeUndefined();
  });

  test.each([0, 41, 500_000_001, 999_999_999])('takes the answer to its own request %d', id => {
    const sent = conversation.outgoing({ jsonrpc: '2.0', id, method: 'tools/list' });
    const sentId = 'id' in sent ? Number(sent.id) : Number.NaN;
    expect(sentId).toBeLessThan(2 ** 31);
    expect(conversation.incoming(answer(sentId))).toEqual(answer(id));
  });

  const progress = (progressToken: unknown) => ({
    jsonrpc: '2.0' as const,
    method: 'notifications/progress',
    params: { progressToken, progress: 1 },
  });

  test.each([0, 41])('hears of the progress of its own request %d only', id => {
    const params = { name: 'a', _meta: { progressToken: id, more: 1 } };
    const sent = conversation.outgoing({ jsonrpc: '2.0', id, method: 'tools/call', params });
    const { _meta } = ('params' in sent && sent.params) || {};
    expect(_meta).toMatchObject({ progressToken: 'id' in sent && sent.id, more: 1 });
    expect(conversation.incoming(progress(_meta?.progressToken))).toEqual(progress(id));
    expect(conversation.incoming(progress(id))).toBeUndefined();
  });
});
