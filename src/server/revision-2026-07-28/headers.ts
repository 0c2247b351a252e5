import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { headerMismatch } from './envelope.js';
import type { WireRequest } from './wire.js';

/** Which parameter the `Mcp-Name` header repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * Checks that the headers say what the body says: a proxy may have let the request pass for the sake of its headers
 * (spec 2026-07-28, basic/transports, "Standard Headers").
 * @throws RequestError
 */
export function checkHeaders({ method, params }: WireRequest, headers: IncomingHttpHeaders): void {
  expectHeader('Mcp-Method', textOf(headers['mcp-method'])?.trim(), method);
  const parameter = NAMED_BY[method];
  const value = parameter === undefined ? undefined : params[parameter];
  if (typeof value !== 'string') return;
  const name = textOf(headers['mcp-name']);
  expectHeader('Mcp-Name', name === undefined ? undefined : decodeHeader(name.trim()), value);
}

/**
 * The text that a header stands for: `=?base64?…?=` holds what a header could not; all else is meant literally.
 * Undefined for Base64 that is none.
 */
export function decodeHeader(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded);
  return isBase64 ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}

function expectHeader(name: string, got: string | undefined, expected: string): void {
  if (got === expected) return;
  const what = got === undefined ? 'it is missing or cannot be read' : 'it says something else';
  throw headerMismatch(`Expected the ${name} header to say what the body says; ${what}`);
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
