export type { McpAwaitConfig } from './config/config-schema.js';
export { defineConfig } from './config/config-schema.js';
export { loadOperations } from './load-operations.js';
export type { LogEntry, LogLevel } from './observability/log.js';
export type { ObservabilityOptions } from './observability/options.js';
export {
  defineOperation,
  type ElicitAnswer,
  type Operation,
  type OperationContext,
  OperationError,
  type ProgressReport,
} from './operation.js';
export { type BuiltInPolicies, builtInOperations } from './operations/index.js';
export { type RunningServer, type ServerOptions, startServer } from './start-server.js';
export { type RunningWorker, startWorker, type WorkerProcessOptions } from './start-worker.js';
export type { WebhookOptions } from './webhooks/webhook-options.js';
