import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Engine } from '../../engine/engine.js';
import { InvalidCursorError, STATUS_BY_STATE, TASK_STATES } from '../../engine/task-list.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { type HostPolicy, isAllowedHost } from '../http/guards.js';
import { authenticate, type KnownToken } from '../http/principals.js';
import { TASKS_PATH } from '../http/watch-endpoints.js';
import { SCRIPT, STYLE } from './assets.js';
import type { Html } from './html.js';
import { listView, problemView, signInView, taskView, type Viewer } from './views.js';

/** What the page of tasks needs of the process that serves it. */
export interface TaskPageSource {
  readonly engine: Pick<Engine, 'list' | 'find' | 'cancel'>;
  /** To be called before a task is ended from here. */
  announce(record: TaskRecord): Promise<unknown>;
}

export interface TaskPageOptions extends TaskPageSource {
  readonly tokens: readonly KnownToken[];
  readonly hostPolicy: HostPolicy;
  /** Whether whoever has a token sees the tasks of all owners, as an operator does. */
  readonly isOperator: boolean;
}

/** Answers a request at `/tasks` or below it. */
export type TaskPageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const SHOWN = 50;
const CHARTED = 200;
const MAX_FORM_BYTES = 8192;
const MAX_SESSIONS = 1000;
const SESSION_MS = 12 * 3_600_000;
const COOKIE = 'mcp_await_tasks';

/** Nothing comes from elsewhere, nothing inline runs, and no other page may show or post to this one. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

interface Session {
  readonly principal: string;
  readonly formToken: string;
  readonly until: number;
}

/** The page of a server's tasks. It changes nothing but that it cancels. */
export function createTaskPage(options: TaskPageOptions): TaskPageHandler {
  const { engine, announce, tokens, hostPolicy, isOperator } = options;
  const sessions = new Map<string, Session>();
  const openFormToken = randomHex();

  function viewerOf({ headers }: IncomingMessage): Viewer | undefined {
    if (tokens.length > 0 && headers.authorization === undefined) {
      const session = sessions.get(cookieOf(headers.cookie) ?? '');
      if (session === undefined || session.until <= Date.now()) return undefined;
      return { principal: session.principal, formToken: session.formToken, isOperator, isSignedIn: true };
    }
    const principal = authenticate(headers.authorization, tokens);
    if (principal === undefined) return undefined;
    return { principal, formToken: openFormToken, isOperator, isSignedIn: false };
  }

  function signIn(token: string, response: ServerResponse): void {
    const principal = authenticate(`Bearer ${token}`, tokens);
    if (principal === undefined) {
      sendPage(response, 401, signInView('This server does not know the token. Check it, and try again.'));
      return;
    }
    for (const [id, { until }] of sessions) if (until <= Date.now()) sessions.delete(id);
    const [oldest] = sessions.keys();
    if (sessions.size >= MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
    const id = randomHex();
    sessions.set(id, { principal, formToken: randomHex(), until: Date.now() + SESSION_MS });
    response.setHeader('set-cookie', cookie(id, SESSION_MS / 1000));
    redirect(response, TASKS_PATH);
  }

  async function post(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const form = isSameOrigin(request) ? await readForm(request) : undefined;
    if (form === undefined) return sendPage(response, 403, problemView(NOT_FROM_HERE));
    if (path === '/sign-in' && tokens.length > 0) return signIn(form.get('token') ?? '', response);
    const viewer = viewerOf(request);
    if (viewer === undefined) return sendPage(response, 401, signInView('Sign in first.'));
    if (form.get('form') !== viewer.formToken) return sendPage(response, 403, problemView(NOT_FROM_HERE));
    if (path === '/sign-out') {
      sessions.delete(cookieOf(request.headers.cookie) ?? '');
      response.setHeader('set-cookie', cookie('', 0));
      return redirect(response, TASKS_PATH);
    }
    const taskRef = /^\/([^/]+)\/cancel$/.exec(path)?.[1];
    const record = taskRef === undefined ? undefined : await visible(taskRef, viewer);
    if (record === undefined) return sendPage(response, 404, problemView(NO_TASK));
    if (!isEnded(record)) {
      await announce(record);
      await engine.cancel(record.taskRef);
    }
    redirect(response, `${TASKS_PATH}/${record.taskRef}`);
  }

  async function visible(taskRef: string, viewer: Viewer): Promise<TaskRecord | undefined> {
    const record = await engine.find(taskRef);
    return viewer.isOperator || record?.owner === viewer.principal ? record : undefined;
  }

  async function list(query: URLSearchParams, viewer: Viewer, response: ServerResponse): Promise<void> {
    const [state = '', operation = '', owner = ''] = ['state', 'operation', 'owner'].map(
      name => query.get(name) ?? undefined,
    );
    const wanted = TASK_STATES.find(known => known === state);
    const shared = {
      owner: viewer.isOperator ? owner || undefined : viewer.principal,
      operation: operation || undefined,
    };
    try {
      const [page, ended] = await Promise.all([
        engine.list({
          ...shared,
          limit: SHOWN,
          statuses: wanted && [STATUS_BY_STATE[wanted]],
          cursor: query.get('cursor') || undefined,
        }),
        engine.list({ ...shared, limit: CHARTED, statuses: ['completed', 'failed'] }),
      ]);
      const filters = { state: wanted ?? '', operation, owner };
      sendPage(response, 200, listView({ page, ended: ended.tasks, filters, viewer, now: Date.now() }));
    } catch (error) {
      if (!(error instanceof InvalidCursorError)) throw error;
      sendPage(response, 400, problemView(error.message));
    }
  }

  return async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname.slice(TASKS_PATH.length);
    // A page that makes its own name resolve to this machine has no cookie; where none is needed, the name must be ours.
    if (tokens.length === 0 && !isAllowedHost(request.headers.host, hostPolicy))
      return sendPage(
        response,
        403,
        problemView('This name of the server is not allowed: see --allowed-host.'),
      );
    if (request.method === 'POST') return post(request, response, path);
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD, POST');
      return sendPage(response, 405, problemView('Expected GET, HEAD or POST.'));
    }
    if (path === '/page.css') return send(response, 200, 'text/css', STYLE);
    if (path === '/page.js') return send(response, 200, 'text/javascript', SCRIPT);
    const viewer = viewerOf(request);
    if (viewer === undefined) return sendPage(response, 401, signInView());
    if (path === '' || path === '/') return list(searchParams, viewer, response);
    const record = await visible(path.slice(1), viewer);
    if (record === undefined) return sendPage(response, 404, problemView(NO_TASK));
    sendPage(response, 200, taskView(record, viewer, Date.now()));
  };
}

const NO_TASK = 'There is no such task, or it has expired.';
const NOT_FROM_HERE = 'This form was not sent from a page of this server, or the page is old. Load it again.';

/** A browser says where a form comes from; what says nothing of it is no browser. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '')) return undefined;
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_FORM_BYTES) return undefined;
  }
  return new URLSearchParams(text);
}

function cookieOf(header = ''): string | undefined {
  const cookies = header.split(';').map(each => each.trim());
  return cookies.find(each => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

function cookie(id: string, maxAgeSeconds: number): string {
  return `${COOKIE}=${id}; Path=${TASKS_PATH}; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}`;
}

function randomHex(): string {
  return randomBytes(32).toString('hex');
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end();
}

function sendPage(response: ServerResponse, status: number, page: Html): void {
  send(response, status, 'text/html', page.markup);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(text);
}
