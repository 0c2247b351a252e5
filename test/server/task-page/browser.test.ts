import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../../../src/engine/open-engine.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { startServer } from '../../../src/server/start-server.js';
import { startWorker } from '../../../src/server/start-worker.js';
import { KEY, SELF_SIGNED } from '../../fixtures/client/certificates.js';
import { openPage, signIn } from '../../fixtures/server/page-in-browser.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { describeWithChromium } from '../../services/index.js';

const TOKEN = 'ada-token-0123456789';
const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&\u202e\u2066';
const UNBROKEN = 'x'.repeat(100_000);

const failing = defineOperation({
  name: 'failing',
  description: 'Fails.',
  input: z.object({ message: z.string() }),
  run: async ({ message }) => {
    throw new OperationError('BROKEN', message);
  },
});

type Where = 'the server' | 'the probes of a worker';

async function serve(where: Where = 'the server') {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-page-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = `sqlite:${join(folder, 'tasks.db')}`;
  const held = heldOperation(600);
  const shared = { operations: [held.operation, echo, failing], store, taskPage: true };
  const listen = { port: 0, tokens: [`ada=${TOKEN}`] };
  const running =
    where === 'the server'
      ? await startServer({ ...shared, http: listen })
      : await startWorker({ ...shared, probes: listen });
  const port = 'url' in running ? new URL(running.url ?? '').port : running.port;
  const engine = await openEngine(store);
  onTestFinished(async () => {
    await running.close();
    await engine.close();
  });
  async function submit(operation: string, parameters: unknown = {}): Promise<string> {
    const task = { taskRef: newTaskRef(operation), owner: 'ada', operation, parameters };
    return (await engine.submit({ ...task, slaMs: 600_000, ttlMs: 600_000 })).record.taskRef;
  }
  /** A task that runs until it is stopped, and its run. */
  async function hold() {
    const taskRef = await submit('held');
    const run = await vi.waitFor(
      () => held.runs.find(each => each.taskRef === taskRef) ?? Promise.reject(new Error('It does not run.')),
      10_000,
    );
    return { taskRef, run };
  }
  async function ended(operation: string, parameters: unknown): Promise<string> {
    const taskRef = await submit(operation, parameters);
    await engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
    return taskRef;
  }
  return { origin: `http://127.0.0.1:${port}`, engine, hold, ended, close: () => running.close() };
}

const linkOf = (page: Page, taskRef: string) => page.locator(`a[href$="${taskRef}"]`);

describeWithChromium('the page of tasks in a browser', browser => {
  describe.each<Where>(['the server', 'the probes of a worker'])('of %s', where => {
    test('signs in, filters, shows a life, moves by itself, and cancels once that is confirmed', async () => {
      const { origin, engine, hold, ended } = await serve(where);
      const done = await ended('echo', { text: 'hello' });
      const broken = await ended('failing', { message: 'No paper.' });
      const { taskRef, run } = await hold();
      const opened = await openPage(browser(), origin);
      const { page } = opened;
      await page.goto('/tasks');
      await page.getByLabel('Token').fill('wrong-token-0123456789');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').getByText('does not know the token').waitFor();
      await signIn(opened, TOKEN);
      for (const each of [done, broken, taskRef]) await linkOf(page, each).waitFor();
      const charts = page.getByRole('img');
      expect(await charts.count()).toBe(2);
      await page.getByText('Failures: 1 of the last 2 that ended').waitFor();

      await opened.check(`list of ${where}`);
      await page.getByLabel('State').selectOption('failed');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.waitForURL(/state=failed/);
      await linkOf(page, broken).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.getByLabel('State').selectOption('');
      await page.getByLabel('Operation').fill('echo');
      await page.getByLabel('Operation').press('Enter');
      await page.waitForURL(/operation=echo/);
      await linkOf(page, done).click();
      await page.getByText('run 1 began').waitFor();
      await page.getByText('"hello"').waitFor();
      await page.getByRole('link', { name: 'All tasks' }).click();

      await linkOf(page, taskRef).click();
      run.progress({ current: 1, total: 4, message: 'first of four' });
      const bar = page.getByRole('progressbar');
      await vi.waitFor(async () => expect(await bar.getAttribute('value')).toBe('1'), 15_000);
      run.progress({ current: 3, total: 4, message: 'third of four' });
      await vi.waitFor(async () => expect(await bar.getAttribute('value')).toBe('3'), 15_000);
      await page.getByRole('status').getByText('third of four').waitFor();

      await page.getByRole('link', { name: 'Cancel this task' }).click();
      await page.getByRole('link', { name: 'Let it go on' }).click();
      expect(await engine.find(taskRef)).toMatchObject({ status: 'processing' });
      await page.getByRole('link', { name: 'Cancel this task' }).click();
      await page.getByRole('button', { name: 'Cancel the task' }).click();
      await page.getByRole('status').getByText('cancelled').waitFor();
      expect(await engine.find(taskRef)).toMatchObject({ status: 'cancelled' });
      expect(await page.getByRole('link', { name: 'Cancel this task' }).count()).toBe(0);
    });
  });

  test('can be read when it is light, dark and narrow, also where strangers wrote what is on it', async () => {
    const { origin, hold, ended } = await serve();
    await ended('echo', { text: HOSTILE });
    const long = await ended('echo', { text: UNBROKEN });
    const broken = await ended('failing', { message: `${HOSTILE} ${UNBROKEN}` });
    const { taskRef, run } = await hold();
    run.progress({ current: 1, total: 3, message: HOSTILE });
    const opened = await openPage(browser(), origin);
    const { page, check } = opened;
    await page.goto('/tasks');
    await check('sign-in');
    await signIn(opened, TOKEN);
    await page.getByText('<script>alert(2)</script>').first().waitFor();
    await check('list');
    for (const [name, path] of [
      ['running', taskRef],
      ['completed', long],
      ['failed', broken],
      ['cancel', `${taskRef}/cancel`],
      ['missing', 'task_none'],
    ] as const) {
      await page.goto(`/tasks/${path}`);
      await check(name);
    }
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
  });

  test('is used with the keyboard alone', async () => {
    const { origin, engine, hold } = await serve();
    const { taskRef } = await hold();
    const { page } = await openPage(browser(), origin);
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 20; presses++) {
        await page.keyboard.press('Tab');
        if ((await focused()).trim() !== text) continue;
        const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
        expect(outline).toBe('solid');
        return;
      }
      throw new Error(`${text} is not reached.`);
    };
    await page.goto('/tasks');
    // The browser puts the focus there once it has drawn the page.
    await page.locator('#token:focus').waitFor();
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await tabTo('Sign out');
    await page.keyboard.press('Tab');
    await page.keyboard.type('running');
    await tabTo('Show');
    await page.keyboard.press('Enter');
    await page.waitForURL(/state=running/);
    await tabTo(`held ${taskRef.slice(-6)}`);
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(taskRef));
    await tabTo('Cancel this task');
    await page.keyboard.press('Enter');
    await page.waitForURL(/cancel$/);
    await tabTo('Cancel the task');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('cancelled').waitFor();
    expect(await engine.find(taskRef)).toMatchObject({ status: 'cancelled' });
  });

  test('works without JavaScript', async () => {
    const { origin, engine, hold } = await serve();
    const { taskRef } = await hold();
    const opened = await openPage(browser(), origin, { javaScriptEnabled: false });
    const { page } = opened;
    await page.goto(`/tasks/${taskRef}`);
    await signIn(opened, TOKEN);
    await page.getByRole('link', { name: 'Cancel this task' }).click();
    await page.getByRole('button', { name: 'Cancel the task' }).click();
    await page.getByRole('status').getByText('cancelled').waitFor();
    expect(await engine.find(taskRef)).toMatchObject({ status: 'cancelled' });
  });

  test('tells that it is old when the server has gone, and asks to sign in when the session has ended', async () => {
    const { origin, hold, close } = await serve();
    const { taskRef } = await hold();
    const opened = await openPage(browser(), origin);
    const { page, context } = opened;
    await page.goto(`/tasks/${taskRef}`);
    await signIn(opened, TOKEN);
    expect(new URL(page.url()).pathname).toBe(`/tasks/${taskRef}`);
    const other = await context.newPage();
    await other.goto(`${origin}/tasks`);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    await signIn(opened, TOKEN);
    expect(new URL(page.url()).pathname).toBe(`/tasks/${taskRef}`);
    await close();
    await page.getByRole('alert').getByText('The server does not answer').waitFor();
  });

  test('keeps its cookie to TLS where the browser came by TLS', async () => {
    const { origin } = await serve();
    const tls = createTlsServer({ key: KEY, cert: SELF_SIGNED }, (incoming, response) => {
      const { url, method, headers } = incoming;
      // The Host is that of the server behind, as proxies send it that are told nothing else.
      const onward = request(
        `${origin}${url}`,
        { method, headers: { ...headers, host: new URL(origin).host } },
        answer => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      incoming.pipe(onward);
    });
    await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      tls.closeAllConnections();
      tls.close();
    });
    const { port } = tls.address() as { port: number };
    const opened = await openPage(browser(), `https://127.0.0.1:${port}`, { ignoreHTTPSErrors: true });
    await opened.page.goto('/tasks');
    await signIn(opened, TOKEN);
    const [cookie] = await opened.context.cookies();
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', path: '/tasks' });
  });
});
