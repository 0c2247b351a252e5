import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { ConfigurationError } from '../../errors.js';
import type { ToolCall } from '../../types.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import type { CallOptions } from '../options.js';
import type { TaskHandle } from '../task-handle.js';
import { type BackgroundResult, callInBackground, inBackground } from './background-call.js';
import { isForTheModel, resultOfError } from './readable-error.js';

/** A tool as MCP describes it, with the function that calls it. */
export type AgentTool = Tool & {
  /**
   * Calls the tool and returns its final result. Whatever goes wrong with the call is a result with `isError: true`, whose
   * text a model can read and whose `structuredContent` is `{status, error: {code, message}, reference?}`.
   * @throws AwaitAbortedError when the signal aborts or the client is closed; ConfigurationError when an option is not
   * usable
   */
  call(
    args: Readonly<Record<string, unknown>>,
    options?: CallOptions & Pick<ToolCall, '_meta'>,
  ): Promise<CallToolResult>;
};

/** What `AwaitClient.tools` makes. */
export interface ToolsOptions {
  /**
   * Whether a call that is not over within a second returns an id at once, and its result is given to `onResult`
   * later. @default false
   */
  readonly background?: boolean | undefined;
  /** Called once for every call that went on in the background. Must not throw. */
  readonly onResult?: ((result: BackgroundResult) => void) | undefined;
}

const toolsOptionNames: OptionNames<ToolsOptions> = { background: true, onResult: true };

/** What agent tools are made of. */
export interface ToolSource {
  explainTools(): Promise<readonly { readonly hidden: boolean; readonly definition: Tool }[]>;
  callTool(call: ToolCall, resultSchema?: undefined, options?: CallOptions): Promise<CallToolResult>;
  startTool(call: ToolCall, options?: CallOptions): Promise<TaskHandle>;
}

/**
 * The tools that an agent should see.
 * @throws ConfigurationError when `background` is set and `onResult` is not
 */
export async function agentTools(source: ToolSource, options: ToolsOptions = {}): Promise<AgentTool[]> {
  refuseUnknownOptions('`tools`', options, toolsOptionNames);
  const { background = false, onResult } = options;
  if (background && onResult === undefined) {
    throw new ConfigurationError(
      'Expected `onResult` with `background: true`: nobody would hear of the results',
    );
  }
  const deliver = background ? onResult : undefined;
  const shown = (await source.explainTools()).filter(({ hidden }) => !hidden);
  return shown.map(({ definition }) => ({
    ...(deliver === undefined ? definition : inBackground(definition)),
    async call(args, { _meta, ...callOptions } = {}) {
      const call = { name: definition.name, arguments: args, ...(_meta !== undefined && { _meta }) };
      try {
        if (deliver === undefined) return await source.callTool(call, undefined, callOptions);
        const start = source.startTool.bind(source);
        return await callInBackground(call, callOptions, { start, deliver });
      } catch (error) {
        if (isForTheModel(error)) return resultOfError(error);
        throw error;
      }
    },
  }));
}
