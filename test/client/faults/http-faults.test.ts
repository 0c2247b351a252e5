import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { ServerUnavailableError } from '../../../src/errors.js';

const URL_OF_SERVER = 'http://127.0.0.1/mcp';

type Fault = () => Response | undefined;

/** A server of the pattern whose status requests meet these faults, one after another, and then say completed. */
function serverWithFaults(faults: readonly Fault[]) {
  const asked: string[] = [];
  const pending = [...faults];
  const answer = (id: unknown, result: object) => HttpResponse.json({ jsonrpc: '2.0', id, result });
  const structured = (value: object) => ({ content: [], structuredContent: value });
  const handler = http.post(URL_OF_SERVER, async ({ request }) => {
    const { id, method, params } = (await request.json()) as { id?: number; method: string; params: never };
    if (id === undefined) return new HttpResponse(null, { status: 202 });
    const { name, protocolVersion } = params as { name?: string; protocolVersion: string };
    asked.push(name ?? method);
    if (method === 'initialize') {
      return answer(id, {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'msw', version: '1' },
      });
    }
    if (method === 'tools/list') {
      const names = ['initiate_background_task', 'resolve_task_status'];
      return answer(id, { tools: names.map(tool => ({ name: tool, inputSchema: { type: 'object' } })) });
    }
    if (name === 'initiate_background_task')
      return answer(id, structured({ task_ref: 't1', poll_after_ms: 10 }));
    const fault = pending.shift()?.();
    return (
      fault ??
      answer(id, structured({ task_ref: 't1', status: 'completed', result: { right: true }, error: null }))
    );
  });
  return { handler, polls: () => asked.filter(entry => entry === 'resolve_task_status').length };
}

const network = setupServer(http.get(URL_OF_SERVER, () => new HttpResponse(null, { status: 405 })));
beforeAll(() => network.listen({ onUnhandledRequest: 'error' }));
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

async function awaitThrough(faults: readonly Fault[], requestRetries = 5) {
  const { handler, polls } = serverWithFaults(faults);
  network.use(handler);
  const sdkClient = new Client({ name: 'test', version: '1' });
  await sdkClient.connect(new StreamableHTTPClientTransport(new URL(URL_OF_SERVER)));
  const client = new AwaitClient(sdkClient, { requestRetries });
  const call = client.callTool({ name: 'initiate_background_task' }).finally(() => client.close());
  return { call, polls };
}

describe('a wait over HTTP, on the user’s own SDK client', () => {
  it.each<[string, Fault]>([
    ['HTTP 503', () => new HttpResponse('busy', { status: 503 })],
    ['HTTP 429', () => new HttpResponse('slow down', { status: 429 })],
    ['HTTP 500 with a page', () => HttpResponse.html('<h1>oops</h1>', { status: 500 })],
    ['a connection that breaks', () => HttpResponse.error()],
  ])('outlives %s', async (_name, fault) => {
    const { call, polls } = await awaitThrough([fault]);
    expect((await call).structuredContent).toEqual({ right: true });
    expect(polls()).toBe(2);
  });

  it('says that contact is lost, not that the task failed, when it does not come back', async () => {
    const down: Fault = () => HttpResponse.error();
    const { call, polls } = await awaitThrough([down, down], 1);
    const error = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error).toMatchObject({ reference: { handle: { ids: ['t1'] } }, snapshot: { status: 'working' } });
    expect(polls()).toBe(2);
  });
});
