import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { AuthorizationError, AwaitError, ServerUnavailableError } from '../../errors.js';
import { formatDuration } from '../../time/duration.js';
import { longestWaitMs } from '../connection/while-heard.js';
import { classifyFailure, messageOf, refusedStatus, systemCode } from '../faults/failure.js';
import { connectionProblem } from '../http/connection-problem.js';
import { describeProxy, proxyFor } from '../http/proxy.js';
import { displayUrl } from '../http/url-parts.js';
import { ForeignOutputError } from '../stdio/stdio-transport.js';
import type { ConnectionEvidence, ServerTarget } from './transport.js';

/** Why there is no connection, and what to do about it. */
export function explainConnectFailure(
  error: unknown,
  target: ServerTarget,
  evidence: ConnectionEvidence,
  timeoutMs: number,
): AwaitError {
  if (error instanceof AwaitError) return error;
  if ('url' in target && refusedStatus(error) !== undefined) return wantsAuthorization(error, target.url);
  const what =
    'url' in target
      ? throughProxy(error, new URL(target.url), timeoutMs)
      : stdioProblem(error, target.command, evidence, timeoutMs);
  return new ServerUnavailableError(what, { cause: error });
}

function throughProxy(error: unknown, url: URL, timeoutMs: number): string {
  const found = proxyFor(url, process.env);
  if (found === undefined) return httpProblem(error, { url, timeoutMs, proxy: undefined });
  const proxy = describeProxy(found);
  return `${httpProblem(error, { url, timeoutMs, proxy })} It was asked through ${proxy}; name ${url.hostname} in NO_PROXY to go without.`;
}

interface FailedRequest {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly proxy: string | undefined;
}

function httpProblem(error: unknown, { url, timeoutMs, proxy }: FailedRequest): string {
  const where = displayUrl(url);
  const status = error instanceof StreamableHTTPError ? error.code : undefined;
  const problem = connectionProblem(error, { url, where, proxy });
  if (problem !== undefined) return problem;
  if (status === 407 || hasMessage(error, /^Proxy (response|Authentication Required) \(407\)/))
    return `The proxy wants a user and a password before it lets anybody to ${where}; write them into its URL, as in http://user:password@host:3128.`;
  if (status !== undefined && status >= 400 && status < 500) {
    return `There is no MCP endpoint at ${where} (HTTP ${status}); check the path, which is often /mcp.`;
  }
  if (status !== undefined && status >= 500) {
    return `The server at ${where} failed (HTTP ${status}: ${messageOf(error)}); look at its log, or try again.`;
  }
  if (classifyFailure(error) === 'unreadable') {
    return `The server at ${where} does not answer with MCP (${messageOf(error)}); check the path, which is often /mcp.`;
  }
  if (classifyFailure(error) === 'timeout') {
    return `The server at ${where} did not answer \`initialize\` within ${formatDuration(timeoutMs)} (\`connectTimeoutMs\`, --connect-timeout).`;
  }
  return `The server at ${where} could not be spoken to: ${messageOf(error)}.`;
}

function hasMessage(error: unknown, pattern: RegExp): boolean {
  for (let link = error; link instanceof Error; link = link.cause)
    if (pattern.test(link.message)) return true;
  return false;
}

function stdioProblem(
  error: unknown,
  command: string,
  evidence: ConnectionEvidence,
  timeoutMs: number,
): string {
  const code = systemCode(error);
  if (code === 'ENOENT')
    return `The command \`${command}\` was not found; check its spelling, the PATH and the working directory.`;
  if (code === 'EACCES') return `The command \`${command}\` may not be executed; check its permissions.`;
  const { stderr, transportError, ending, heardAt } = evidence;
  const heard = [
    transportError instanceof ForeignOutputError
      ? ` Its standard output is not MCP: ${messageOf(transportError)}.`
      : '',
    stderr === '' ? '' : ` It wrote to standard error:\n${stderr}`,
  ].join('');
  if (classifyFailure(error) === 'timeout') {
    const longestMs = longestWaitMs(timeoutMs);
    const wasHeard = heardAt !== undefined && performance.now() - heardAt < timeoutMs;
    const how = wasHeard
      ? `within ${formatDuration(longestMs)}, although it wrote something all the time`
      : `within ${formatDuration(timeoutMs)} (\`connectTimeoutMs\`, --connect-timeout)`;
    return `The server \`${command}\` did not answer \`initialize\` ${how}.${heard}`;
  }
  if (classifyFailure(error) === 'closed' || (ending !== undefined && classifyFailure(error) !== 'answered'))
    return `The server \`${command}\` ${ending ?? 'ended'} before it answered \`initialize\`.${heard}`;
  return `The server \`${command}\` could not be spoken to: ${messageOf(error)}.${heard}`;
}

function wantsAuthorization(error: unknown, url: string | URL): AuthorizationError {
  return new AuthorizationError(
    `The server at ${displayUrl(url)} wants authorization (HTTP ${refusedStatus(error)}); give it a header such as \`Authorization: Bearer …\`, or an \`authProvider\`.`,
    { cause: error },
  );
}
