import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { HttpAnswer } from '../../../src/client/http/answer.js';
import { untilStarted } from '../../../src/client/http/session-check.js';
import { httpMcp, usual } from '../../fixtures/client/http-mcp.js';

/** Answers with these statuses, one after another, and then with the last. */
function answering(...statuses: number[]) {
  const cancel = vi.fn(async () => {});
  let asked = 0;
  const ask = async () => {
    const status = statuses[Math.min(asked++, statuses.length - 1)] ?? 0;
    return { status, ok: status < 400, headers: new Headers(), body: { cancel } } as unknown as HttpAnswer;
  };
  return { ask, cancel, asked: () => asked };
}

describe('a server that may still be starting', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each<[number[], number, number]>([
    [[200], 200, 1],
    [[503, 200], 200, 2],
    [[502, 504, 503, 200], 200, 4],
    [[503], 503, 4],
    [[500], 500, 1],
    [[404], 404, 1],
    [[429], 429, 1],
  ])('that answers %j is read as HTTP %i after %i requests, within 3 s', async (statuses, status, count) => {
    const { ask, asked, cancel } = answering(...statuses);
    const answer = untilStarted(ask, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(3000);
    expect((await answer).status).toBe(status);
    expect(asked()).toBe(count);
    expect(cancel).toHaveBeenCalledTimes(count - 1);
  });

  test('is not asked again once the connection is closed', async () => {
    const { ask, asked } = answering(503);
    const closing = new AbortController();
    const answer = untilStarted(ask, closing.signal).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    closing.abort(new Error('Not connected'));
    expect(await answer).toMatchObject({ message: 'Not connected' });
    expect(asked()).toBe(1);
  });
});

test('a gateway that answers HTTP 503 to the first `initialize` does not end the connecting', async () => {
  const asked: string[] = [];
  const openings = () => asked.filter(method => method === 'initialize').length;
  const { url } = await httpMcp((message, _request, response) => {
    asked.push(message.method);
    if (message.method !== 'initialize' || openings() > 1) return usual(message);
    response.writeHead(503).end('starting');
    return undefined;
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const connecting = AwaitClient.connect(url);
  for (let turn = 0; turn < 10_000 && openings() < 2; turn++) {
    await setImmediate();
    await vi.advanceTimersByTimeAsync(1);
  }
  vi.useRealTimers();
  const client = await connecting;
  await expect(client.callTool({ name: 'a' })).resolves.toMatchObject({ content: [{ text: 'hi' }] });
  expect(openings()).toBe(2);
  await client.close();
});
