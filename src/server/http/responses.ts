import type { ServerResponse } from 'node:http';

/** An answer that is not MCP's own: an HTTP status and a JSON-RPC error (spec 2025-11-25, basic/transports). */
export interface HttpRefusal {
  readonly status: number;
  /** JSON-RPC error code. */
  readonly code: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function refuseRequest(
  response: ServerResponse,
  { status, code, message, headers = {} }: HttpRefusal,
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { jsonrpc: '2.0', error: { code, message }, id: null });
}

export function wrongMethod(allowed: readonly string[]): HttpRefusal {
  const allow = allowed.join(', ');
  return { status: 405, code: -32000, message: `Expected ${allow}`, headers: { allow } };
}

export function unauthorized(sent: string | undefined): HttpRefusal {
  const challenge = sent === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
  const message = 'Expected an Authorization header with a bearer token that this server knows';
  return { status: 401, code: -32001, message, headers: { 'www-authenticate': challenge } };
}

export function notFound(message: string): HttpRefusal {
  return { status: 404, code: -32601, message };
}
