import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Engine } from '../../engine/engine.js';
import { InvalidCursorError, STATUS_BY_STATE, TASK_STATES } from '../../engine/task-list.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { type HostPolicy, isAllowedHost } from '../http/guards.js';
import { authenticate, type KnownToken } from '../http/principals.js';
import { isTasksPath, TASKS_PATH } from '../http/watch-endpoints.js';
import { SCRIPT, STYLE } from './assets.js';
import type { Html } from './html.js';
import { PageSessions, randomHex, SignInLimit } from './sessions.js';
import { cancelView, listView, problemView, signInView, taskView, type Viewer } from './views.js';

/** What the page of tasks needs of the process that serves it. */
export interface TaskPageSource {
  readonly engine: Pick<Engine, 'list' | 'find' | 'cancel'>;
  /** To be called before a task is ended from here. */
  announce(record: TaskRecord): Promise<unknown>;
}

export interface TaskPageOptions extends TaskPageSource {
  readonly tokens: readonly KnownToken[];
  readonly hostPolicy: HostPolicy;
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Whether whoever has a token sees the tasks of all owners, as an operator does. */
  readonly isOperator: boolean;
  /** Told why the store did not answer. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Answers a request at `/tasks` or below it. */
export type TaskPageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const SHOWN = 50;
const CHARTED = 200;
const MAX_FORM_BYTES = 8192;

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

/**
 * The page of a server's tasks. It changes nothing but that it cancels.
 * @throws ConfigurationError when a trusted proxy is no address
 */
export function createTaskPage(options: TaskPageOptions): TaskPageHandler {
  const { engine, announce, tokens, hostPolicy, trustedProxies, isOperator, onError } = options;
  const sessions = new PageSessions();
  const limit = new SignInLimit(trustedProxies);
  const openFormToken = randomHex();

  function viewerOf({ headers }: IncomingMessage): Viewer | undefined {
    if (tokens.length > 0 && headers.authorization === undefined) {
      const session = sessions.find(headers.cookie);
      return session && { ...session, isOperator, isSignedIn: true };
    }
    const principal = authenticate(headers.authorization, tokens);
    if (principal === undefined) return undefined;
    return { principal, formToken: openFormToken, isOperator, isSignedIn: false };
  }

  function signIn(request: IncomingMessage, response: ServerResponse, form: URLSearchParams): void {
    const next = pageWithin(form.get('next') ?? TASKS_PATH);
    const refuse = (status: number, problem: string) =>
      sendPage(response, status, signInView({ next, problem }));
    const waitSeconds = limit.waitSeconds(request);
    if (waitSeconds > 0) {
      response.setHeader('retry-after', waitSeconds);
      refuse(429, `Too many wrong tokens came from your address. Try again in ${waitSeconds} seconds.`);
      return;
    }
    const principal = authenticate(`Bearer ${form.get('token') ?? ''}`, tokens);
    if (principal === undefined) {
      limit.countWrong(request);
      refuse(401, 'This server does not know the token. Check it, and try again.');
      return;
    }
    // The browser itself tells whether it came by TLS, whatever stands between.
    const secure = request.headers.origin?.startsWith('https:') === true;
    response.setHeader('set-cookie', sessions.open(principal, { secure }));
    redirect(response, next);
  }

  async function post(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const form = isSameOrigin(request) ? await readForm(request) : undefined;
    if (form === undefined) return sendPage(response, 403, problemView(NOT_FROM_HERE));
    if (path === SIGN_IN && tokens.length > 0) return signIn(request, response, form);
    const viewer = viewerOf(request);
    if (viewer === undefined)
      return sendPage(response, 401, signInView({ next: TASKS_PATH, problem: 'Sign in first.' }));
    if (form.get('form') !== viewer.formToken) return sendPage(response, 403, problemView(NOT_FROM_HERE));
    if (path === '/sign-out') {
      response.setHeader('set-cookie', sessions.end(request.headers.cookie));
      return redirect(response, TASKS_PATH);
    }
    const { taskRef, isCancel } = wantedTask(path);
    const record = isCancel ? await visible(taskRef, viewer) : undefined;
    if (record === undefined) return sendPage(response, 404, problemView(NO_TASK));
    if (!isEnded(record)) {
      await announce(record);
      await engine.cancel(record.taskRef);
    }
    redirect(response, `${TASKS_PATH}/${record.taskRef}`);
  }

  async function get(request: IncomingMessage, response: ServerResponse, { pathname, search }: URL) {
    const path = pathname.slice(TASKS_PATH.length);
    const viewer = viewerOf(request);
    if (viewer === undefined) {
      const next = path === SIGN_IN ? TASKS_PATH : `${pathname}${search}`;
      return sendPage(response, 401, signInView({ next }));
    }
    if (path === '' || path === '/') return list(new URLSearchParams(search), viewer, response);
    if (path === SIGN_IN) return redirect(response, TASKS_PATH);
    const { taskRef, isCancel } = wantedTask(path);
    const record = await visible(taskRef, viewer);
    if (record === undefined) return sendPage(response, 404, problemView(NO_TASK));
    const view = isCancel && !isEnded(record) ? cancelView : taskView;
    sendPage(response, 200, view(record, viewer, Date.now()));
  }

  async function visible(taskRef: string, viewer: Viewer): Promise<TaskRecord | undefined> {
    const record = await engine.find(taskRef);
    return viewer.isOperator || record?.owner === viewer.principal ? record : undefined;
  }

  async function list(query: URLSearchParams, viewer: Viewer, response: ServerResponse): Promise<void> {
    const { state = '', operation = '', owner = '', cursor = '' } = Object.fromEntries(query);
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
          cursor: cursor || undefined,
        }),
        engine.list({ ...shared, limit: CHARTED, statuses: ['completed', 'failed'] }),
      ]);
      const filters = { state: wanted ?? '', operation, owner };
      const isFirst = cursor === '';
      const view = listView({ page, isFirst, ended: ended.tasks, filters, viewer, now: Date.now() });
      sendPage(response, 200, view);
    } catch (error) {
      if (!(error instanceof InvalidCursorError)) throw error;
      sendPage(response, 400, problemView(error.message));
    }
  }

  return async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = url.pathname.slice(TASKS_PATH.length);
    // A page that makes its own name resolve to this machine has no cookie; where none is needed, the name must be ours.
    if (tokens.length === 0 && !isAllowedHost(request.headers.host, hostPolicy))
      return sendPage(response, 403, problemView(OTHER_NAME));
    try {
      if (request.method === 'POST') return await post(request, response, path);
      request.resume();
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD, POST');
        return sendPage(response, 405, problemView('Expected GET, HEAD or POST.'));
      }
      if (path === '/page.css') return send(response, 200, 'text/css', STYLE);
      if (path === '/page.js') return send(response, 200, 'text/javascript', SCRIPT);
      await get(request, response, url);
    } catch (error) {
      if (response.destroyed || request.errored) return;
      onError?.(error);
      sendPage(response, 503, problemView('The store of the tasks does not answer. Try again.'));
    }
  };
}

const SIGN_IN = '/sign-in';
const OTHER_NAME = 'This name of the server is not allowed: see --allowed-host.';
const NO_TASK = 'There is no such task, or it has expired.';
const NOT_FROM_HERE = 'This form was not sent from a page of this server, or the page is old. Load it again.';

function wantedTask(path: string): { readonly taskRef: string; readonly isCancel: boolean } {
  const [, taskRef = '', cancel] = /^\/([^/]+)(\/cancel)?$/.exec(path) ?? [];
  return { taskRef, isCancel: cancel !== undefined };
}

/** The page of tasks that a form names; the list where it names anything else. */
function pageWithin(next: string): string {
  const base = 'http://localhost';
  const { origin, pathname, search } = URL.canParse(next, base) ? new URL(next, base) : new URL(base);
  return origin === base && isTasksPath(pathname) ? `${pathname}${search}` : TASKS_PATH;
}

/** A browser says where a form comes from; what says nothing of it is no browser. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  // No page can set it, and it needs no proxy that passes the Host header on.
  if (site !== undefined) return site === 'same-origin';
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

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end();
}

function sendPage(response: ServerResponse, status: number, page: Html): void {
  send(response, status, 'text/html', page.markup);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(text);
}
