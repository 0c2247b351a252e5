import type { Execute, ExecutionContext } from '../../engine/engine.js';
import type { TaskRecord } from '../../engine/task-record.js';
import { ToolFailure } from '../tool-failure.js';
import type { ServerTool } from '../tools/server-tool.js';
import type { Log } from './log.js';

/** `stopped`: cancelled, or let go because the worker stops. */
export type RunOutcome = 'completed' | 'failed' | 'stopped';

/** `refused`: the answer is an error that the caller can read. `aborted`: the caller has gone. */
export type CallOutcome = 'ok' | 'refused' | 'failed' | 'aborted';

export interface TaskRun {
  readonly operation: string;
  readonly taskRef: string;
  readonly outcome: RunOutcome;
  readonly durationMs: number;
  /** Of the error of a run that failed. */
  readonly code?: string | undefined;
}

export interface ObservedCall {
  readonly tool: string;
  readonly outcome: CallOutcome;
  readonly durationMs: number;
  /** Of the error of a call that was refused. */
  readonly code?: string | undefined;
}

type LostTask = Pick<TaskRecord, 'taskRef' | 'operation' | 'error'>;

/** What happens in this process, told to whoever counts or logs it. */
export interface Activity {
  /** A new task was stored. */
  initiated(task: Pick<TaskRecord, 'taskRef' | 'operation'>): void;
  ran(run: TaskRun): void;
  /** A task failed because the process that ran it died or was stopped. */
  lost(task: LostTask): void;
  called(call: ObservedCall): void;
}

/** Tells all of them. */
export function tellAll(...activities: readonly Activity[]): Activity {
  const all =
    <Fact>(tell: (activity: Activity, fact: Fact) => void) =>
    (fact: Fact) => {
      for (const activity of activities) tell(activity, fact);
    };
  return {
    initiated: all((activity, task) => activity.initiated(task)),
    ran: all((activity, run) => activity.ran(run)),
    lost: all((activity, task) => activity.lost(task)),
    called: all((activity, call) => activity.called(call)),
  };
}

/** Logs failures for the operator, and the life of every task for whoever looks for a fault. */
export function logActivity(log: Log): Activity {
  return {
    initiated: ({ operation, taskRef }) => log.debug('A task was accepted', { operation, task_ref: taskRef }),
    ran({ operation, taskRef, outcome, durationMs, code = '' }) {
      const fields = { operation, task_ref: taskRef, duration_ms: Math.round(durationMs) };
      if (outcome === 'failed') log.warn('A task failed', { ...fields, code });
      else log.debug(outcome === 'completed' ? 'A task was completed' : 'A task was stopped', fields);
    },
    lost: ({ operation, taskRef, error }) =>
      log.warn('A task was lost', { operation, task_ref: taskRef, code: error?.code ?? '' }),
    called({ tool, outcome, durationMs, code = '' }) {
      const fields = { tool, outcome, duration_ms: Math.round(durationMs), ...(code !== '' && { code }) };
      if (code === 'STORE_UNAVAILABLE') log.error('The store refused a call', fields);
      else if (outcome === 'failed') log.error('A call broke', fields);
      else log.debug('A tool was called', fields);
    },
  };
}

/** The same, and tells of every run. */
export function observeRuns(execute: Execute, activity: Activity): Execute {
  return async (task, context) => {
    const startedAt = performance.now();
    const waits = countWaits(context);
    const execution = await execute(task, waits.context);
    const { operation, taskRef } = task.record;
    activity.ran({
      operation,
      taskRef,
      durationMs: performance.now() - startedAt - waits.waitedMs(),
      outcome: context.signal.aborted ? 'stopped' : execution.status,
      code: execution.status === 'failed' ? execution.error.code : undefined,
    });
    return execution;
  };
}

/** The same context, which counts for how long its run waits for answers. */
function countWaits(context: ExecutionContext) {
  let waitedMs = 0;
  let openCount = 0;
  let since = 0;
  const ask: ExecutionContext['ask'] = async asked => {
    if (openCount++ === 0) since = performance.now();
    try {
      return await context.ask(asked);
    } finally {
      if (--openCount === 0) waitedMs += performance.now() - since;
    }
  };
  return { context: { ...context, ask }, waitedMs: () => waitedMs };
}

/** The same tools, which tell of every call. */
export function observeCalls(
  tools: ReadonlyMap<string, ServerTool>,
  activity: Activity,
): ReadonlyMap<string, ServerTool> {
  return new Map([...tools].map(([name, tool]) => [name, observeTool(tool, activity)]));
}

function observeTool(tool: ServerTool, activity: Activity): ServerTool {
  const { definition, start } = tool;
  const begin = () => {
    const startedAt = performance.now();
    return (outcome: CallOutcome, code?: string) =>
      activity.called({
        tool: definition.name,
        outcome,
        durationMs: performance.now() - startedAt,
        code,
      });
  };
  return {
    definition,
    async call(argumentsGiven, context) {
      const tell = begin();
      try {
        const result = await tool.call(argumentsGiven, context);
        if ('isError' in result && result.isError === true) tell('refused', codeOf(result.structuredContent));
        else tell('ok');
        return result;
      } catch (error) {
        tell(context.signal.aborted ? 'aborted' : 'failed');
        throw error;
      }
    },
    ...(start !== undefined && {
      async start(argumentsGiven, context) {
        const tell = begin();
        try {
          const record = await start(argumentsGiven, context);
          tell('ok');
          return record;
        } catch (error) {
          const isRefusal = error instanceof ToolFailure;
          tell(isRefusal ? 'refused' : 'failed', isRefusal ? error.code : undefined);
          throw error;
        }
      },
    }),
  };
}

function codeOf(content: unknown): string | undefined {
  return (content as { readonly error?: { readonly code?: string } } | undefined)?.error?.code;
}
