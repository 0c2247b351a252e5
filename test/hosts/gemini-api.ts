import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A model behind the Gemini API that calls `sleep`, and then says what it was told. @returns its URL */
export async function startGeminiApi(): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { contents } = JSON.parse(String(Buffer.concat(chunks)));
    const [told] = contents.at(-1).parts;
    const part = told.functionResponse
      ? { text: `It says ${JSON.stringify(told.functionResponse.response)}` }
      : { functionCall: { name: 'sleep', args: { seconds: 3 } } };
    const candidates = [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }];
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ candidates }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
