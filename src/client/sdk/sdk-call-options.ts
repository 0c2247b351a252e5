import type { ProgressCallback } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { isEndStatus, type Progress, type Snapshot } from '../../types.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import {
  type CallOptions,
  callOptionNames,
  type ResolvedWaitOptions,
  resolveWaitOptions,
} from '../options.js';

/** Options of the SDK's own `callTool` that keep their meaning here, so that a caller of it need not change. */
export interface SdkCallOptions {
  readonly onprogress?: ProgressCallback | undefined;
  /** Taken as `deadlineMs` where that is not set, in milliseconds. */
  readonly maxTotalTimeout?: number | undefined;
  /** Not used: this client's calls are bounded by `silenceTimeoutMs` and `deadlineMs`. */
  readonly timeout?: number | undefined;
  /** Not used: progress always ends a silence. */
  readonly resetTimeoutOnProgress?: boolean | undefined;
}

/** What may be given to a call: also the request options of the SDK that mean nothing here, for callers of its own `callTool`. */
const takenCallOptions: OptionNames<CallOptions & SdkCallOptions> = {
  ...callOptionNames,
  onprogress: true,
  maxTotalTimeout: true,
  timeout: true,
  resetTimeoutOnProgress: true,
  ...{
    relatedRequestId: true,
    resumptionToken: true,
    onresumptiontoken: true,
    task: true,
    relatedTask: true,
  },
};

/** The wait options of one call, over those of its client. @throws ConfigurationError for an option that there is not, or a value that it cannot have */
export function resolveCallOptions(given: CallOptions, defaults: ResolvedWaitOptions): ResolvedWaitOptions {
  refuseUnknownOptions('A call', given, takenCallOptions);
  return resolveWaitOptions(given, defaults);
}

/** The same options in the words of this client. */
export function fromSdkOptions(options: CallOptions & SdkCallOptions): CallOptions {
  if (options.onprogress === undefined && options.maxTotalTimeout === undefined) return options;
  const { onprogress, maxTotalTimeout, onUpdate, deadlineMs = maxTotalTimeout, ...rest } = options;
  return {
    ...rest,
    deadlineMs,
    onUpdate: snapshot => {
      onUpdate?.(snapshot);
      const progress = sdkProgressOf(snapshot);
      if (progress !== undefined) onprogress?.(progress);
    },
  };
}

/**
 * A state as MCP tells progress (spec 2025-11-25, basic/utilities/progress): the task's own figures where it has any,
 * else the number of answers that said "still running"; and its message, else its status. Undefined of an end, which the
 * result tells, and of a status that says no more than the figures.
 */
export function sdkProgressOf({ status, message, progress, attempt }: Snapshot): Progress | undefined {
  if (isEndStatus(status)) return undefined;
  const said = progress?.message ?? message;
  if (progress === undefined) return { progress: attempt, message: said ?? status };
  const told = said ?? (status === 'working' ? undefined : status);
  return { ...progress, ...(told !== undefined && { message: told }) };
}
