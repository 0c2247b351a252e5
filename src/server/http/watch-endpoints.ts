import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exposition } from '../observability/prometheus.js';
import type { Readiness } from '../observability/readiness.js';
import { notFound, refuseRequest, sendJson, wrongMethod } from './responses.js';

export const HEALTH_PATH = '/health';
export const READY_PATH = '/ready';
export const METRICS_PATH = '/metrics';
export const MCP_PATH = '/mcp';
export const TASKS_PATH = '/tasks';
const ENDPOINTS = [MCP_PATH, HEALTH_PATH, READY_PATH, METRICS_PATH, TASKS_PATH];

/** What a process tells whoever watches it. */
export interface Watching {
  readiness(): Promise<Readiness>;
  /** Undefined when nothing is measured. */
  scrape(): Promise<Exposition | undefined>;
  /** Counts a request that was answered. */
  answered(endpoint: string, status: number): void;
}

/** Counts a request once it is answered; of the paths only those that exist, for a stranger may send any. */
export function countRequest(path: string | undefined, response: ServerResponse, watching: Watching): void {
  const endpoint = ENDPOINTS.find(known => known === path || isTasksPath(path, known)) ?? 'other';
  response.once('finish', () => watching.answered(endpoint, response.statusCode));
}

/** Whether a path is that of the page of tasks, or below it. */
export function isTasksPath(path: string | undefined, endpoint = TASKS_PATH): boolean {
  return endpoint === TASKS_PATH && (path === TASKS_PATH || path?.startsWith(`${TASKS_PATH}/`) === true);
}

/** Whether the process is alive. Open to all: a probe calls by address and has no token, and learns nothing. */
export function answerHealth(request: IncomingMessage, response: ServerResponse, isClosing: boolean): void {
  if (!isRead(request)) refuseRequest(response, wrongMethod(READ_METHODS));
  else if (isClosing) sendJson(response, 503, { status: 'closing' });
  else sendJson(response, 200, { status: 'ok' });
}

/** Whether the process should get work. As open as the other probe. */
export async function answerReady(
  request: IncomingMessage,
  response: ServerResponse,
  watching: Watching,
): Promise<void> {
  if (!isRead(request)) return refuseRequest(response, wrongMethod(READ_METHODS));
  const readiness = await watching.readiness();
  if (readiness.ready) sendJson(response, 200, { status: 'ready' });
  else sendJson(response, 503, { status: 'not_ready', reason: readiness.reason });
}

/** The metrics, for a caller that has passed the guards. */
export async function answerMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  watching: Watching,
): Promise<void> {
  if (!isRead(request)) return refuseRequest(response, wrongMethod(READ_METHODS));
  const exposition = await watching.scrape();
  if (exposition === undefined) return refuseRequest(response, notFound('This server measures nothing'));
  response.writeHead(200, { 'content-type': exposition.contentType, 'cache-control': 'no-store' });
  response.end(exposition.text);
}

const READ_METHODS: readonly string[] = ['GET', 'HEAD'];

function isRead({ method = '' }: IncomingMessage): boolean {
  return READ_METHODS.includes(method);
}
