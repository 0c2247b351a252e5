import { request } from 'node:http';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Engine } from '../../../src/engine/engine.js';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { NewTask } from '../../../src/engine/task-record.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { startHttpServer } from '../../../src/server/http/http-server.js';
import { startProbeServer } from '../../../src/server/http/probe-server.js';

const [ADA, BOB] = ['ada-token-0123456789', 'bob-token-0123456789'];
const TOKENS = [`ada=${ADA}`, `bob=${BOB}`];
const announced: string[] = [];
let engine: Engine;

beforeEach(async () => {
  announced.length = 0;
  engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
});

const source = () => ({
  engine,
  announce: async ({ taskRef }: { taskRef: string }) => announced.push(taskRef),
});

async function serve(
  tokens: readonly string[] = TOKENS,
  trustedProxies: readonly string[] = [],
  onError?: (error: unknown) => void,
): Promise<number> {
  const createMcpServer = () => {
    throw new Error('No MCP here.');
  };
  const options = { createMcpServer, port: 0, tokens, trustedProxies, onError, taskPage: source() };
  const server = await startHttpServer(options);
  onTestFinished(() => server.close(0));
  return server.port;
}

async function probes(tokens: readonly string[]): Promise<number> {
  const watching = { readiness: async () => ({ ready: true }) as never, scrape: async () => undefined };
  const server = await startProbeServer({ port: 0, tokens }, { ...watching, answered: () => {} }, source());
  onTestFinished(() => server.close());
  return server.port;
}

async function submit(overrides: Partial<NewTask> = {}): Promise<string> {
  const operation = overrides.operation ?? 'render';
  const times = { slaMs: 60_000, ttlMs: 60_000 };
  const task = { taskRef: newTaskRef(operation), owner: 'ada', operation, parameters: {}, ...times };
  return (await engine.submit({ ...task, ...overrides })).record.taskRef;
}

interface Sent {
  readonly form?: Record<string, string>;
  readonly headers?: Record<string, string>;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function ask(port: number, path: string, { form, headers = {} }: Sent = {}): Promise<Got> {
  const method = form === undefined ? 'GET' : 'POST';
  const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method, headers: { ...type, ...headers } }, async response => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    sent.on('error', reject).end(form && new URLSearchParams(form).toString());
  });
}

async function signIn(port: number, token: string): Promise<Record<string, string>> {
  const { status, headers } = await ask(port, '/tasks/sign-in', { form: { token } });
  expect(status).toBe(303);
  const [cookie = ''] = headers['set-cookie'] ?? [];
  expect(cookie).toMatch(
    /^mcp_await_tasks=[0-9a-f]{64}; Path=\/tasks; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  return { cookie: cookie.split(';')[0] ?? '' };
}

const formToken = ({ text }: Got) => /name="form" value="([0-9a-f]{64})"/.exec(text)?.[1] ?? '';

describe('the page of tasks', () => {
  test('is behind a form, which takes the token once and keeps it out of the page and the cookie', async () => {
    const port = await serve();
    const taskRef = await submit();
    const closed = await ask(port, '/tasks');
    expect(closed.status).toBe(401);
    expect(closed.text).toContain('<h1>Tasks</h1>');
    expect(closed.text).not.toContain('render');
    expect((await ask(port, `/tasks/${taskRef}`)).status).toBe(401);
    expect((await ask(port, '/tasks/sign-in', { form: { token: 'wrong-token-0123456789' } })).status).toBe(
      401,
    );
    const headers = await signIn(port, ADA);
    expect(headers.cookie).not.toContain(ADA);
    const open = await ask(port, '/tasks', { headers });
    expect(open).toMatchObject({ status: 200, text: expect.stringContaining(taskRef) });
    expect(open.text).not.toContain(ADA);
    const out = await ask(port, '/tasks/sign-out', { form: { form: formToken(open) }, headers });
    expect(out.status).toBe(303);
    expect((await ask(port, '/tasks', { headers })).status).toBe(401);
  });

  test("shows the caller's own tasks only, in a list and alone", async () => {
    const port = await serve();
    const [own, other] = [await submit(), await submit({ owner: 'bob' })];
    const headers = await signIn(port, ADA);
    for (const path of ['/tasks', '/tasks?owner=bob', '/tasks?owner=']) {
      const { text } = await ask(port, path, { headers });
      expect(text).toContain(own);
      expect(text).not.toContain(other);
    }
    const alone = await ask(port, `/tasks/${other}`, { headers });
    expect(alone).toMatchObject({ status: 404, text: expect.stringContaining('There is no such task') });
    const form = formToken(await ask(port, '/tasks', { headers }));
    expect((await ask(port, `/tasks/${other}/cancel`, { form: { form }, headers })).status).toBe(404);
    expect(await engine.find(other)).toMatchObject({ status: 'pending' });
  });

  test('shows all owners on the port of the probes, and filters them', async () => {
    const port = await probes([ADA]);
    const [own, other] = [await submit(), await submit({ owner: 'bob' })];
    const headers = { authorization: `Bearer ${ADA}` };
    const all = await ask(port, '/tasks', { headers });
    expect(all.text).toContain(own);
    expect(all.text).toContain(other);
    const some = await ask(port, '/tasks?owner=bob', { headers });
    expect(some.text).not.toContain(own);
    expect(some.text).toContain(other);
    expect((await ask(port, '/tasks')).status).toBe(401);
    expect((await ask(port, '/tasks?state=failed', { headers })).text).toContain('There are no such tasks.');
  });

  test('cancels with the token of the form only, from its own pages only', async () => {
    const port = await serve();
    const taskRef = await submit();
    const headers = await signIn(port, ADA);
    const path = `/tasks/${taskRef}/cancel`;
    const form = { form: formToken(await ask(port, `/tasks/${taskRef}`, { headers })) };
    const bob = await signIn(port, BOB);
    const refused: readonly Sent[] = [
      { form: {}, headers },
      { form: { form: '0'.repeat(64) }, headers },
      { form: { form: formToken(await ask(port, '/tasks', { headers: bob })) }, headers },
      { form, headers: { ...headers, origin: 'https://evil.example' } },
      { form, headers: { ...headers, origin: 'null' } },
      { form, headers: { ...headers, 'sec-fetch-site': 'cross-site' } },
      { form, headers: { ...headers, 'content-type': 'text/plain' } },
      { form: { ...form, more: 'x'.repeat(10_000) }, headers },
    ];
    for (const sent of refused) expect((await ask(port, path, sent)).status).toBe(403);
    expect((await ask(port, path, { form })).status).toBe(401);
    const asks = await ask(port, path, { headers });
    expect(asks).toMatchObject({ status: 200, text: expect.stringContaining('Let it go on') });
    expect(await engine.find(taskRef)).toMatchObject({ status: 'pending' });
    const same = { origin: `http://localhost:${port}`, host: `localhost:${port}` };
    const done = await ask(port, path, { form, headers: { ...headers, ...same } });
    expect(done).toMatchObject({ status: 303, headers: { location: `/tasks/${taskRef}` } });
    expect(await engine.find(taskRef)).toMatchObject({ status: 'cancelled' });
    expect(announced).toEqual([taskRef]);
    const { text } = await ask(port, `/tasks/${taskRef}`, { headers });
    expect(text).toContain('CANCELLED');
    expect(text).not.toContain('Cancel this task');
  });

  test('escapes what strangers wrote, and lets nothing inline run', async () => {
    const port = await serve([]);
    const evil = '<img src=x onerror=alert(1)>"\'&\u202e';
    const taskRef = await submit({ owner: 'local', operation: 'evil' });
    engine.startWorker({
      operations: ['evil'],
      concurrency: 1,
      async execute(_task, { reportProgress }) {
        reportProgress({ progress: 1, total: 2, message: evil });
        return { status: 'completed', result: { evil } };
      },
    });
    await engine.waitForEnd(taskRef, { timeoutMs: 5000 });
    for (const path of [
      '/tasks',
      `/tasks/${taskRef}`,
      `/tasks?operation=${encodeURIComponent(evil)}&state=${encodeURIComponent(evil)}&cursor=${encodeURIComponent(evil)}`,
    ]) {
      const { text, headers } = await ask(port, path);
      expect(text).not.toContain('<img');
      expect(text).not.toContain('\u202e');
      expect(text).not.toMatch(/<script(?! src="\/tasks\/page\.js")| on\w+="| style="/);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['cache-control']).toBe('no-store');
    }
    expect((await ask(port, `/tasks/${taskRef}`)).text).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  test('takes ten wrong tokens in a minute from one address, which only a trusted proxy can tell', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const port = await serve(TOKENS, ['127.0.0.1']);
    const tries = (token: string, address: string) =>
      ask(port, '/tasks/sign-in', { form: { token }, headers: { 'x-forwarded-for': `evil, ${address}` } });
    const wrong = 'wrong-token-0123456789';
    for (let count = 0; count < 10; count++) expect((await tries(wrong, '192.0.2.1')).status).toBe(401);
    vi.advanceTimersByTime(20_000);
    for (const token of [wrong, ADA]) {
      const { status, headers, text } = await tries(token, '192.0.2.1');
      expect([status, headers['retry-after']]).toEqual([429, '40']);
      expect(text).toContain('Try again in 40 seconds.');
    }
    expect((await tries(ADA, '192.0.2.2')).status).toBe(303);
    vi.advanceTimersByTime(40_000);
    expect((await tries(ADA, '192.0.2.1')).status).toBe(303);
    const untold = await serve();
    for (let count = 0; count < 10; count++)
      await ask(untold, '/tasks/sign-in', {
        form: { token: wrong },
        headers: { 'x-forwarded-for': `192.0.2.${count}` },
      });
    expect((await ask(untold, '/tasks/sign-in', { form: { token: wrong } })).status).toBe(429);
    await expect(serve(TOKENS, ['proxy.example'])).rejects.toThrow(/each trusted proxy \(--trusted-proxy\)/);
  });

  test('sends the cookie by TLS only where the form came by TLS', async () => {
    const port = await serve();
    const secure = async (headers: Record<string, string>) => {
      const answer = await ask(port, '/tasks/sign-in', { form: { token: ADA }, headers });
      return /; Secure$/.test(String(answer.headers['set-cookie']));
    };
    expect(await secure({ origin: 'https://tasks.example', host: 'tasks.example' })).toBe(true);
    expect(await secure({ origin: 'https://tasks.example', 'sec-fetch-site': 'same-origin' })).toBe(true);
    expect(await secure({ origin: `http://localhost:${port}`, host: `localhost:${port}` })).toBe(false);
    expect(await secure({ 'x-forwarded-proto': 'https' })).toBe(false);
  });

  test('goes on to the page that was asked for, and to no other server', async () => {
    const port = await serve();
    const { text } = await ask(port, '/tasks/task_render_1?a=%22');
    expect(text).toContain('name="next" value="/tasks/task_render_1?a=%22"');
    for (const [next, location] of [
      ['/tasks/task_render_1?a=%22', '/tasks/task_render_1?a=%22'],
      ['//evil.example/tasks', '/tasks'],
      ['https://evil.example/tasks', '/tasks'],
      ['/tasks/../mcp', '/tasks'],
      ['\\\\evil.example\\tasks', '/tasks'],
    ] as const) {
      const answer = await ask(port, '/tasks/sign-in', { form: { token: ADA, next } });
      expect(answer).toMatchObject({ status: 303, headers: { location } });
    }
  });

  test('asks the store for as many tasks as it shows, and says when it has to look further', async () => {
    const list = vi.spyOn(engine, 'list');
    list.mockResolvedValueOnce({ tasks: [], nextCursor: 'abc' });
    const port = await serve([]);
    const { text } = await ask(port, '/tasks?state=failed');
    expect(text).toContain('There are no such tasks among the newest.');
    expect(text).toContain('>Look further</a>');
    expect(list.mock.calls.map(([{ limit }]) => limit)).toEqual([50, 200]);
  });

  test('says that the store does not answer, and tells the operator why', async () => {
    const errors: unknown[] = [];
    const failure = new Error('The disk is full.');
    vi.spyOn(engine, 'list').mockRejectedValue(failure);
    const port = await serve([], [], error => errors.push(error));
    const { status, text } = await ask(port, '/tasks');
    expect(status).toBe(503);
    expect(text).toContain('The store of the tasks does not answer');
    expect(text).not.toContain('disk');
    expect(errors).toEqual([failure]);
  });

  test('is called by names of this server only, where it needs no token', async () => {
    const port = await serve([]);
    expect((await ask(port, '/tasks', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await ask(port, '/tasks?cursor=none')).text).toContain('The cursor is none');
    expect((await ask(port, '/tasks/page.js')).headers['content-type']).toBe(
      'text/javascript; charset=utf-8',
    );
  });

  test('is not opened where callers come with tokens of an issuer only', async () => {
    const authorization = { issuer: 'https://issuer.example' } as never;
    const createMcpServer = () => {
      throw new Error('No MCP here.');
    };
    const options = { createMcpServer, port: 0, authorization, taskPage: source() };
    await expect(startHttpServer(options)).rejects.toThrow(/page of tasks takes no access tokens/);
  });

  test('goes on over many tasks, page by page', async () => {
    const port = await serve([]);
    const refs = await Promise.all(Array.from({ length: 60 }, () => submit({ owner: 'local' })));
    const first = await ask(port, '/tasks?state=waiting');
    const next = /href="(\/tasks\?[^"]*cursor=[^"]+)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await ask(port, next);
    for (const ref of refs) expect(`${first.text}${second.text}`).toContain(ref);
    expect(second.text).not.toContain('Older tasks');
  });
});
