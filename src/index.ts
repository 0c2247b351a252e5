export type { AgentTool, ToolsOptions } from './client/agent/agent-tools.js';
export type { BackgroundResult } from './client/agent/background-call.js';
export { AwaitClient, type ToolExplanation } from './client/await-client.js';
export type { ConnectOptions, ConnectTarget } from './client/connect/connect.js';
export type { HttpTarget, ServerTarget, StdioTarget } from './client/connect/transport.js';
export type { AwaitEvent } from './client/events.js';
export type { CircuitBreakerOptions } from './client/faults/circuits.js';
export type { InputAnswer, InputHandler, InputQuestion } from './client/input/input-handler.js';
export type { JournalOptions } from './client/journal/options.js';
export type { AwaitClientOptions, CallOptions, WaitOptions } from './client/options.js';
export type { SdkCallOptions } from './client/sdk/sdk-call-options.js';
export type { TaskHandle } from './client/task-handle.js';
export type { PairOptions, PairProfile } from './client/tools/pair-options.js';
export type { ClientStats } from './client/watches/call-stats.js';
export {
  type AskedQuestion,
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  AwaitError,
  type AwaitErrorCode,
  AwaitTimeoutError,
  CircuitOpenError,
  ConfigurationError,
  InputRequiredError,
  isAwaitError,
  NotSupportedError,
  OutcomeUnknownError,
  ProtocolViolationError,
  ServerUnavailableError,
  StatusCheckError,
  TaskNotFoundError,
  type TimeoutBudget,
} from './errors.js';
export type { Outcome, Progress, Snapshot, TaskError, TaskReference, TaskStatus, ToolCall } from './types.js';
