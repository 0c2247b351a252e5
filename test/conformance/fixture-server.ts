import { onTestFinished } from 'vitest';
import { openEngine } from '../../src/engine/open-engine.js';
import { startHttpServer } from '../../src/server/http/http-server.js';
import { fixedTools, type Offer } from '../../src/server/offer.js';
import { operationsByName } from '../../src/server/operation.js';
import { createMcpServer } from '../../src/server/revision-2025-11-25/mcp-server.js';
import { createExecute } from '../../src/server/runner.js';
import { createTaskFeed } from '../../src/server/task-feed.js';
import { createTaskService } from '../../src/server/task-service.js';
import { serverTools } from '../../src/server/tools/index.js';
import type { ServerTool } from '../../src/server/tools/server-tool.js';
import { createDeliveries } from '../../src/server/webhooks/deliveries.js';
import { createWebhookGate } from '../../src/server/webhooks/webhook-gate.js';
import { fixtureOperations, TASK_ONLY } from './fixture-operations.js';
import { plainTools } from './fixture-plain-tools.js';
import { roundTools } from './fixture-round-tools.js';

/** The server under test: ours, with the tools that the conformance suite calls. */
export async function startFixtureServer(): Promise<string> {
  const engine = await openEngine('memory:');
  const operations = operationsByName(fixtureOperations);
  const webhooks = createWebhookGate(undefined, createDeliveries(engine));
  const tasks = createTaskService({ engine, operations, webhooks });
  const feed = createTaskFeed(engine);
  engine.startWorker({
    execute: createExecute(fixtureOperations),
    operations: [...operations.keys()],
    concurrency: 50,
  });
  const own = serverTools({ tasks, operations, inlineWindowMs: 20_000 });
  const tools = new Map(
    [...plainTools, ...own, ...roundTools(own)].map(([name, tool]) => [name, taskOnly(tool)]),
  );
  const offer: Offer = { tools: fixedTools(tools), tasks, feed };
  const server = await startHttpServer({
    createMcpServer: principal => createMcpServer(offer, principal),
    offer,
    port: 0,
  });
  onTestFinished(async () => {
    await server.close(0);
    feed.close();
    await engine.close();
  });
  return server.url;
}

function taskOnly(tool: ServerTool): ServerTool {
  if (!TASK_ONLY.includes(tool.definition.name)) return tool;
  return { ...tool, definition: { ...tool.definition, execution: { taskSupport: 'required' } } };
}
