// Receives webhooks of a server that was started with the same secret. It checks every message before it believes it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

interface TaskEvent {
  type: 'task.completed' | 'task.failed' | 'task.cancelled';
  data: { task_ref: string; result: unknown };
}

const webhook = new Webhook(process.env.MCP_AWAIT_WEBHOOK_SECRET ?? '');
const seen = new Set<string>(); // in production: a table that outlives the process

const server = createServer(async (request, response) => {
  const body = await text(request); // the bytes as they came: parsing and printing would break the signature
  let event: TaskEvent;
  try {
    event = webhook.verify(body, request.headers as Record<string, string>) as TaskEvent;
  } catch {
    return response.writeHead(401).end();
  }
  response.writeHead(204).end(); // answer first, work later
  const id = String(request.headers['webhook-id']);
  if (seen.has(id)) return; // the same message may come twice
  seen.add(id);
  console.log(event.type, JSON.stringify(event.data.result));
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`Listening on http://127.0.0.1:${port}`);
});
