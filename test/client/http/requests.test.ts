import { Agent, Response, type fetch as undiciFetch } from 'undici';
import { expect, test } from 'vitest';
import { Requests } from '../../../src/client/http/requests.js';

test('a refusal that repeats what was sent tells no header, parameter or token', async () => {
  const fetch = (async (_url: URL, { headers }: { headers: object }) =>
    new Response(JSON.stringify(headers), { status: 500 })) as unknown as typeof undiciFetch;
  const requests = new Requests({
    url: new URL('http://127.0.0.1/mcp?key=secret-parameter'),
    headers: { 'x-key': 'secret-header' },
    fetch,
    agent: new Agent(),
    authorize: send => send('secret-token'),
  });
  const { message } = await requests.refusal(await requests.send({ method: 'POST', fixed: {} }));
  expect(message).toContain('Bearer …');
  expect(message).not.toContain('secret');
  await requests.close();
});
