import type { ServerResponse } from 'node:http';
import { createGzip } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { ProtocolViolationError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, said, usual } from '../../fixtures/client/http-mcp.js';

const MAX = 100_000;

/** Writes for as long as anybody reads. @returns how many bytes were written by now */
function endless(
  sink: NodeJS.WritableStream & { readonly destroyed?: boolean },
  chunk: string,
): () => number {
  let written = 0;
  const go = () => {
    while (sink.destroyed !== true && written < 1000 * MAX) {
      written += chunk.length;
      if (!sink.write(chunk)) return;
    }
  };
  sink.on('drain', go);
  sink.on('error', () => {});
  go();
  return () => written;
}

const chunk = 'a'.repeat(10_000);

describe('an answer without end fails its call with the name of the limit', () => {
  test.each<[string, (response: ServerResponse) => () => number]>([
    [
      'in JSON',
      response => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":"');
        return endless(response, chunk);
      },
    ],
    [
      'in one event',
      response => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: ');
        return endless(response, chunk);
      },
    ],
    [
      'in one event of many lines',
      response => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return endless(response, `data: ${chunk}\n: comment\n`);
      },
    ],
    [
      'without a media type',
      response => {
        response.writeHead(200);
        return endless(response, chunk);
      },
    ],
    [
      'that is compressed',
      response => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        const gzip = createGzip();
        gzip.pipe(response);
        return endless(gzip, chunk);
      },
    ],
  ])('%s', async (_what, begin) => {
    let written = () => 0;
    const { url } = await httpMcp((message, _request, response) => {
      if (message.method !== 'tools/call') return usual(message);
      written = begin(response);
      return undefined;
    });
    const client = await AwaitClient.connect(url, { maxAnswerBytes: MAX });
    const error = await failureOf(client.callTool({ name: 'a' }));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toContain(`larger than ${MAX} bytes (\`maxAnswerBytes\`, --max-answer-bytes)`);
    expect(written()).toBeLessThan(1000 * MAX);
    await client.close();
  });
});

test('an error page without end is read no further than its message needs', async () => {
  let written = () => 0;
  const { url } = await httpMcp((message, _request, response) => {
    if (message.method !== 'tools/call') return usual(message);
    response.writeHead(500, { 'content-type': 'text/html' });
    written = endless(response, chunk);
    return undefined;
  });
  const client = await AwaitClient.connect(url);
  const error = await failureOf(client.callTool({ name: 'a' }));
  expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  expect(error.message.length).toBeLessThan(1000);
  expect(written()).toBeLessThan(1000 * MAX);
  await client.close();
});

test('a stream that lives on comments and small events for long is under no limit', async () => {
  const { url } = await httpMcp((message, _request, response) => {
    if (message.method !== 'tools/call') return usual(message);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } };
    for (let round = 0; round < 50; round++) {
      response.write(`: ${'c'.repeat(5000)}\n\n`);
      response.write(`data: ${JSON.stringify(note)}\n\n`);
    }
    response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said('hi') })}\n\n`);
    return undefined;
  });
  const client = await AwaitClient.connect(url, { maxAnswerBytes: 10_000 });
  await expect(client.callTool({ name: 'a' })).resolves.toMatchObject({ content: [{ text: 'hi' }] });
  await client.close();
});

test('a task whose status is too large keeps its reference', async () => {
  const tools = ['initiate_background_task', 'resolve_task_status'];
  const { url } = await httpMcp(message => {
    if (message.method === 'tools/list')
      return { result: { tools: tools.map(name => ({ name, inputSchema: { type: 'object' } })) } };
    if (message.method !== 'tools/call') return usual(message);
    if (message.params?.name === tools[0])
      return { result: { content: [], structuredContent: { task_ref: 't1', status: 'queued' } } };
    return said('x'.repeat(2 * MAX));
  });
  const client = await AwaitClient.connect(url, { maxAnswerBytes: MAX, initialIntervalMs: 1 });
  const error = await failureOf(client.callTool({ name: 'initiate_background_task' }));
  expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION', reference: { handle: { ids: ['t1'] } } });
  expect(error.message).toContain('`maxAnswerBytes`');
  await client.close();
});
