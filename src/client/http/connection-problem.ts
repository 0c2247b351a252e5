import { messageOf, systemCode } from '../faults/failure.js';

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
