import { resolve } from 'node:path';
import { fileAbove, listServers, type NamedServerSource } from '../client/connect/mcp-config.js';
import type { Settings } from '../server/config/config-schema.js';
import type { WebhookOptions } from '../server/index.js';
import { loadOperations } from '../server/load-operations.js';
import type { Operation } from '../server/operation.js';
import { builtInOperations } from '../server/operations/index.js';
import { reportError } from './error-report.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { logLines } from './log-line.js';
import { readSecretFile } from './secret-file.js';

/** The task's SLA bounds a call of `mcp_tool`, however often or seldom the other server says something. */
const UNTIL_THE_SLA = {
  deadlineMs: Number.POSITIVE_INFINITY,
  cancelOnAbort: true,
};

export interface OfferedOperations {
  readonly settings: Settings;
  /** An mcpServers file whose servers `mcp_tool` may call. */
  readonly serversFile: string | undefined;
  /** Whether `mcp_tool` may call the servers of the nearest mcp.json, or only those of a file that is named. */
  readonly nearestServers: boolean;
  /** Whether there is `sleep` where the settings do not say so. */
  readonly sleep: boolean;
  readonly io: CommandIo;
}

/**
 * The user's own operations, and the built-in ones whose names they leave free, unless the settings leave those out.
 * @throws UsageError when nothing is left
 */
export async function offeredOperations({
  settings: { server, connection },
  serversFile,
  nearestServers,
  sleep,
  io,
}: OfferedOperations): Promise<readonly Operation[]> {
  if (!server.builtin && server.operations === undefined)
    throw new UsageError(
      'There is nothing to offer: --no-builtin (`server.builtin: false`) goes with --operations FILE.',
    );
  const own =
    server.operations === undefined
      ? []
      : await loadOperations(resolve(io.cwd(), server.operations), line => io.stderr.write(`${line}\n`));
  if (!server.builtin) return own;
  const source = { configFile: serversFile, directory: io.cwd(), environment: io.env };
  const servers = nearestServers || serversFile !== undefined ? usableServers(source, io) : [];
  const builtIn = builtInOperations({
    hashTree: { roots: server.roots.map(root => resolve(io.cwd(), root)) },
    httpRequest: { allowPrivate: server.allowPrivate },
    sleep: server.offerSleep ?? sleep,
    mcpTool: {
      servers,
      connect: async (name, { signal }) => {
        // With the first call, not with the server.
        const { AwaitClient } = await import('../client/await-client.js');
        return AwaitClient.connect(name, {
          ...UNTIL_THE_SLA,
          ...connection,
          configFile: serversFile,
          signal,
        });
      },
    },
  });
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...builtIn.filter(({ name }) => !names.has(name))];
}

function usableServers(source: NamedServerSource, io: CommandIo): readonly string[] {
  const names = listServers(source).flatMap(({ name, isDisabled }) => (isDisabled ? [] : [name]));
  const above = names.length === 0 ? undefined : fileAbove(source);
  if (above !== undefined) io.stderr.write(`mcp_tool may call the servers of ${above}.\n`);
  return names;
}

/** What the settings say of servers and workers alike. */
export async function runtimeOptions(
  { server, state, execution, webhooks, observability }: Settings,
  io: CommandIo,
) {
  return {
    store: state.provider,
    keyPrefix: state.keyPrefix,
    maxTtlSeconds: state.maxTtlSeconds,
    maxResultBytes: state.maxResultBytes,
    leaseSeconds: state.leaseSeconds,
    concurrency: execution.maxConcurrency,
    principalShare: execution.principalShare,
    taskPage: server.taskPage,
    webhooks: await webhookOptions(webhooks, io),
    observability,
    onError: (error: unknown) => reportError(error, io),
    onLog: logLines(io),
  };
}

/**
 * What the settings and the environment say of webhooks; undefined when nothing.
 * @throws UsageError when the file of the secret cannot be read or is empty
 */
async function webhookOptions(
  { secretFile, allowedHosts, allowPrivate, allowHttp }: Settings['webhooks'],
  io: CommandIo,
): Promise<WebhookOptions | undefined> {
  const secret =
    secretFile === undefined
      ? io.env.MCP_AWAIT_WEBHOOK_SECRET || undefined
      : (await readSecretFile(secretFile, 'webhook secret', io)).join(' ');
  const isAskedFor = secret !== undefined || allowedHosts !== undefined || allowPrivate || allowHttp;
  return isAskedFor ? { secret, allowedHosts, allowPrivate, allowHttp } : undefined;
}
