import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { AuthorizationError, AwaitError, ServerUnavailableError } from '../../errors.js';
import { formatDuration } from '../../time/duration.js';
import { longestWaitMs } from '../connection/while-heard.js';
import { classifyFailure, messageOf, refusedStatus, systemCode } from '../faults/failure.js';
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
  const where = displayUrl(url);
  if (found === undefined) return httpProblem(error, { url, where, proxy: undefined }, timeoutMs);
  const proxy = describeProxy(found);
  return `${httpProblem(error, { url, where, proxy }, timeoutMs)} It was asked through ${proxy}; name ${url.hostname} in NO_PROXY to go without.`;
}

function httpProblem(error: unknown, failed: FailedConnection, timeoutMs: number): string {
  const { where } = failed;
  const status = error instanceof StreamableHTTPError ? error.code : undefined;
  const problem = connectionProblem(error, failed);
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

const UNKNOWN_AUTHORITY = new Set<string | undefined>([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const OUT_OF_DATE = new Set<string | undefined>(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

export interface FailedConnection {
  readonly url: URL;
  /** The URL for a message. */
  readonly where: string;
  /** What stands between, for a message; undefined where nothing does. */
  readonly proxy: string | undefined;
}

/** What is wrong with a connection, and what to do about it; undefined where the error's own words must do. */
export function connectionProblem(
  error: unknown,
  { url: { protocol }, where, proxy }: FailedConnection,
): string | undefined {
  const code = systemCode(error);
  if (code === 'ECONNREFUSED')
    return `Nothing listens at ${proxy ?? where}; start ${proxy === undefined ? 'the server' : 'it'}, or check host and port.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `The host of ${proxy ?? where} is unknown; check its spelling.`;
  return protocol === 'https:' ? tlsProblem(error, code, where) : plainProblem(error, code, where);
}

function tlsProblem(error: unknown, code: string | undefined, where: string): string | undefined {
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT')
    return `The certificate of ${where} is self-signed (${code}); put it into a PEM file, and set the environment variable NODE_EXTRA_CA_CERTS to the file's path.`;
  if (UNKNOWN_AUTHORITY.has(code))
    return `The certificate of ${where} is from an authority that Node.js does not know (${code}); put the authority's certificate, and what lies between, into a PEM file, and set the environment variable NODE_EXTRA_CA_CERTS to the file's path.`;
  if (OUT_OF_DATE.has(code))
    return `The certificate of ${where} is out of date (${code}: ${messageOf(error)}); have it renewed, or check this machine's clock.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate of ${where} is for another host (${messageOf(error)}); use a name that it is for.`;
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_'))
    return `${where} could not be spoken to over TLS (${code}); if the server speaks plain HTTP, write http:// instead of https://.`;
  return undefined;
}

/** A server of HTTPS answers plain HTTP by closing the connection, by bytes of TLS, or by HTTP 400 with a sentence. */
function plainProblem(error: unknown, code: string | undefined, where: string): string | undefined {
  const said = messageOf(error);
  const isOfTls =
    code === 'UND_ERR_SOCKET' ||
    code === 'ECONNRESET' ||
    code?.startsWith('HPE_') ||
    /HTTP request\b.{0,80}\bHTTPS\b/i.test(said);
  return isOfTls
    ? `The server at ${where} could not be spoken to: ${said}; if it speaks HTTPS, write https:// instead of http://.`
    : undefined;
}
