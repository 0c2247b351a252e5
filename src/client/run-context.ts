import type { NativeTasks, Port, ToolPlan } from '../protocols/protocol.js';
import type { TaskReference, ToolCall } from '../types.js';
import type { CallWatch } from './call-watch.js';
import type { AwaitEvent } from './events.js';
import type { InputDesk } from './input/input-desk.js';
import type { Journal, Known } from './journal/journal.js';
import type { KnownDurations } from './known-durations.js';
import type { OpenRuns } from './open-runs.js';
import type { CallOptions, ResolvedWaitOptions } from './options.js';
import type { Places } from './places.js';
import type { PollScheduler } from './poll-scheduler.js';
import type { ResourceUpdates } from './resource-updates.js';
import type { Ready } from './sdk-port.js';
import type { TaskNews } from './task-news.js';

/** A call that is yet to be sent, or a task that is to be resumed. */
export type Beginning =
  | { readonly call: ToolCall; readonly plan: ToolPlan | Promise<ToolPlan> }
  | { readonly reference: TaskReference; readonly known: Known | undefined };

/** What a run needs from its client and from its caller. */
export interface RunContext {
  readonly ready: Ready;
  readonly port: Port;
  readonly tool: string;
  readonly wait: ResolvedWaitOptions;
  readonly durations: KnownDurations;
  readonly call: Pick<CallOptions, 'signal' | 'onUpdate' | 'onInput' | 'idempotencyKey'>;
  readonly onEvent: ((event: AwaitEvent) => void) | undefined;
  /** The client's places for requests that the server holds. */
  readonly holdPlaces: Places;
  /** The client's places for starts under way. */
  readonly startPlaces: Places;
  /** The client's status requests take their turns here. */
  readonly scheduler: PollScheduler;
  /** What the server tells without being asked. */
  readonly news: TaskNews;
  readonly resources: ResourceUpdates;
  /** Has the server tell of these tasks until the answer is disposed, where it tells only what it is asked to. */
  readonly follow: (taskIds: readonly string[]) => Disposable | undefined;
  /** The client's waits, this one among them while it lasts. */
  readonly openRuns: OpenRuns;
  readonly journal: Journal | undefined;
  /** Hears of the call, and may keep it from being sent. */
  readonly watch: Required<CallWatch>;
  /** The tasks of MCP itself that the connection can use. */
  readonly nativeTasks: () => NativeTasks | undefined;
  /** Where the server's questions come in. */
  readonly desk: InputDesk;
}
