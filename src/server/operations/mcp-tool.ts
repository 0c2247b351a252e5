import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AwaitError, ConfigurationError } from '../../errors.js';
import type { Snapshot, ToolCall } from '../../types.js';
import { defineOperation, OperationError, type ProgressReport } from '../operation.js';

const UNAVAILABLE = 'SERVER_UNAVAILABLE';

/** A connected MCP client, as far as this operation needs one. */
export interface ToolCaller {
  callTool(
    call: ToolCall,
    resultSchema: undefined,
    options: { readonly signal: AbortSignal; readonly onUpdate: (snapshot: Snapshot) => void },
  ): Promise<CallToolResult>;
  close(): Promise<void>;
}

export interface McpToolPolicy {
  /** Names of the servers that may be called. A caller picks one of them, never a command or a URL. */
  readonly servers: readonly string[];
  /** Connects to one of `servers`; the connection serves one call. */
  connect(server: string, options: { readonly signal: AbortSignal }): Promise<ToolCaller>;
}

/** Calls a tool of another MCP server: makes any slow synchronous tool a background task. */
export function mcpTool({ servers, connect }: McpToolPolicy) {
  const names = servers.join(', ');
  if (servers.length === 0) {
    throw new ConfigurationError('Expected `servers` to name at least one MCP server, got none');
  }
  return defineOperation({
    name: 'mcp_tool',
    description: `Calls a tool of another MCP server and returns the tool's result as it is. Servers: ${names}.`,
    input: z.object({
      server: z.enum(servers, { error: `Expected \`server\` to be one of ${names}` }),
      tool: z.string().min(1).describe('Name of the tool on that server'),
      arguments: z.record(z.string(), z.unknown()).optional().describe("The tool's arguments"),
    }),
    slaSeconds: 86_400,
    async run({ server, tool, arguments: toolArguments }, { signal, progress }) {
      const caller = await connect(server, { signal }).catch(cause => {
        const what = `Cannot connect to the MCP server ${server}`;
        throw toOperationError(cause, { what, code: UNAVAILABLE, signal });
      });
      try {
        signal.throwIfAborted();
        const call = { name: tool, ...(toolArguments !== undefined && { arguments: toolArguments }) };
        const onUpdate = (snapshot: Snapshot) => {
          const report = toReport(snapshot);
          if (report !== undefined) progress(report);
        };
        const result = await caller.callTool(call, undefined, { signal, onUpdate });
        if (result.isError === true) throw toolFailed(server, tool, result);
        return result;
      } catch (error) {
        const what = `Tool ${tool} of the MCP server ${server} gave no result`;
        throw toOperationError(error, { what, code: 'TOOL_ERROR', signal });
      } finally {
        // The answer is there; a connection that closes badly does not change it.
        await caller.close().catch(() => undefined);
      }
    },
  });
}

function toReport({ progress, message }: Snapshot): ProgressReport | undefined {
  if (progress === undefined) return undefined;
  return { current: progress.progress, total: progress.total, message: progress.message ?? message };
}

function toolFailed(server: string, tool: string, { content }: CallToolResult): OperationError {
  const text = content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join('\n');
  return new OperationError('TOOL_ERROR', text || `Tool ${tool} of the MCP server ${server} failed`);
}

interface ErrorOptions {
  readonly what: string;
  /** For an error that brings no code of its own. */
  readonly code: string;
  readonly signal: AbortSignal;
}

function toOperationError(error: unknown, options: ErrorOptions): unknown {
  if (options.signal.aborted || error instanceof OperationError) return error;
  const code = error instanceof AwaitError ? error.code : options.code;
  const message = `${options.what}: ${error instanceof Error ? error.message : String(error)}`;
  return new OperationError(code, message, { retryable: code === UNAVAILABLE, cause: error });
}
