import type { Operation } from '../operation.js';
import { type HashTreePolicy, hashTree } from './hash-tree.js';
import { type HttpRequestOptions, httpRequest } from './http-request.js';
import { type McpToolPolicy, mcpTool } from './mcp-tool.js';
import { sleepOperation } from './sleep.js';

export interface BuiltInPolicies {
  /** Without it, or without roots, there is no `hash_tree`. */
  readonly hashTree?: HashTreePolicy | undefined;
  /** @default public addresses only */
  readonly httpRequest?: HttpRequestOptions | undefined;
  /** Without it, or without servers, there is no `mcp_tool`. */
  readonly mcpTool?: McpToolPolicy | undefined;
  /** Whether there is `sleep`, which holds a place and does nothing. @default true */
  readonly sleep?: boolean | undefined;
}

/** The operations of the bundled server, each under the operator's policy for it. */
export function builtInOperations(policies: BuiltInPolicies = {}): readonly Operation[] {
  const operations: Operation[] = [httpRequest(policies.httpRequest)];
  if (policies.mcpTool && policies.mcpTool.servers.length > 0) operations.push(mcpTool(policies.mcpTool));
  if (policies.hashTree && policies.hashTree.roots.length > 0) operations.push(hashTree(policies.hashTree));
  if (policies.sleep !== false) operations.push(sleepOperation());
  return operations;
}
