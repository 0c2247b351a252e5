/** The milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds or a date; undefined when it is neither. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Math.ceil(Number(header) * 1000);
  // `Date.parse` takes every number for a date.
  const date = /\d:\d\d/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

/** The parameter that the header `Mcp-Name` repeats, by method. */
const NAMED_BY = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** What the header `Mcp-Name` says of a request, before its encoding (SEP-2243); undefined where the request has none. */
export function mcpNameOf(
  method: string,
  params: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const parameter = NAMED_BY.get(method);
  const name = parameter === undefined ? undefined : params?.[parameter];
  return typeof name === 'string' ? name : undefined;
}

const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
const ENCODED = /^=\?base64\?(.*)\?=$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A value as an HTTP header may carry it: as it is, or encoded where it is not plain ASCII (SEP-2243, "Value Encoding"). */
export function encodeHeader(value: string): string {
  if (PLAIN.test(value) && !ENCODED.test(value)) return value;
  return `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

/**
 * The text that a header stands for: `=?base64?…?=` holds what a header could not; all else is meant literally.
 * Undefined for Base64 that is none.
 */
export function decodeHeader(value: string): string | undefined {
  const encoded = ENCODED.exec(value)?.[1];
  if (encoded === undefined) return value;
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}
