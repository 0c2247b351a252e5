import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent, type RequestInit, fetch as undiciFetch } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BIN } from '../cli/command.js';
import { newHome } from '../proxy/proxy-host.js';
import { startHttpProxy } from '../proxy/proxy-http.js';

type Call = (name: string, args: object) => Promise<CallToolResult>;

/** A job of three minutes for a host that gives up after two: scaled. */
const SECONDS = 6;
const LIMIT_MS = 4000;
const HOST_TIMEOUT_MS = 2000;

/** How hosts call a server over HTTP that cannot be had from npm: as their sources do it. */
const hosts: Readonly<Record<string, (url: string) => Promise<Call>>> = { LibreChat: libreChat, Dify: dify };

describe('a long job through the proxy over HTTP', () => {
  it.each(Object.entries(hosts))('ends in its result with the requests of %s', async (_name, open) => {
    const home = newHome();
    const { url } = await startHttpProxy(
      { bundled: [process.execPath, BIN, 'serve', '--store', `sqlite:${home}/tasks.db`] },
      { home, hostTimeoutMs: HOST_TIMEOUT_MS },
    );
    const call = await open(url);
    let answer = await call('sleep', { seconds: SECONDS });
    let rounds = 0;
    for (; answer.structuredContent?.next !== undefined; rounds++) {
      const { tool, arguments: args } = answer.structuredContent.next as { tool: string; arguments: object };
      answer = await call(tool, args);
    }
    expect(answer.structuredContent).toEqual({ slept_seconds: SECONDS });
    expect(rounds).toBeGreaterThan(0);
  });
});

/** A body or a header that does not come within the host's limit ends the request. */
function impatientFetch() {
  const dispatcher = new Agent({ bodyTimeout: LIMIT_MS, headersTimeout: LIMIT_MS });
  onTestFinished(() => dispatcher.destroy());
  return (url: string | URL, init?: RequestInit) => undiciFetch(url, { ...init, dispatcher });
}

/** The SDK, with time-outs of undici and of the SDK. */
async function libreChat(url: string): Promise<Call> {
  const client = new Client({ name: '@librechat/api-client', version: '1.2.3' }, { capabilities: {} });
  onTestFinished(() => client.close());
  const fetch = impatientFetch() as never;
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }) as never);
  return (name, args) =>
    client.request({ method: 'tools/call', params: { name, arguments: { ...args } } }, CallToolResultSchema, {
      timeout: LIMIT_MS,
      resetTimeoutOnProgress: true,
    });
}

/** A client of its own: ids from 0, no header with the revision, one request at a time, and a stream for messages. */
async function dify(url: string): Promise<Call> {
  const fetch = impatientFetch();
  const headers: Record<string, string> = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  };
  let id = 0;
  const post = (message: object) =>
    fetch(url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  const request = async (method: string, params: object) => {
    const response = await post({ id: id++, method, params });
    const session = response.headers.get('mcp-session-id');
    if (session !== null) headers['mcp-session-id'] = session;
    const text = await response.text();
    const messages = /event-stream/.test(response.headers.get('content-type') ?? '')
      ? [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data = '']) => JSON.parse(data))
      : [JSON.parse(text)];
    const { result } = messages.find(message => message.id === id - 1);
    return result;
  };
  await request('initialize', {
    protocolVersion: '2025-03-26',
    capabilities: { sampling: {}, roots: { listChanged: true } },
    clientInfo: { name: 'Dify', version: '1.0.0' },
  });
  const accepted = await post({ method: 'notifications/initialized' });
  expect(accepted.status).toBe(202);
  const stream = new AbortController();
  fetch(url, { headers, signal: stream.signal })
    .then(response => response.text())
    .catch(() => {});
  onTestFinished(() => stream.abort());
  return (name, args) => request('tools/call', { name, arguments: args });
}
