import { stateOf, TASK_STATES, type TaskPage } from '../../engine/task-list.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { formatDuration } from '../../time/duration.js';
import { TASKS_PATH } from '../http/watch-endpoints.js';
import { taskMessage } from '../mcp-status.js';
import { type Html, html, timeOf } from './html.js';

/** What a page is made for. */
export interface Viewer {
  readonly principal: string;
  /** Whether the tasks of all owners are shown. */
  readonly isOperator: boolean;
  /** Undefined where no token is needed, and nobody signs out. */
  readonly isSignedIn: boolean;
  /** Goes with each form that changes something. */
  readonly formToken: string;
}

export interface Filters {
  readonly state: string;
  readonly operation: string;
  readonly owner: string;
}

export interface SignInView {
  /** The page to go to. */
  readonly next: string;
  readonly problem?: string;
}

export function signInView({ next, problem }: SignInView): Html {
  const told = problem === undefined ? html`` : html`<p class="problem" role="alert">${problem}</p>`;
  return layout(
    'Sign in',
    html`<header><h1>Tasks</h1></header><main><p>Sign in with a token of this server.</p>${told}
<form method="post" action="${TASKS_PATH}/sign-in"><input type="hidden" name="next" value="${next}">
<p><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
<p><button>Sign in</button></p></form></main>`,
  );
}

export function problemView(problem: string): Html {
  return layout(
    'Tasks',
    html`<header><h1>Tasks</h1></header><main><p class="problem" role="alert">${problem}</p>
<p><a href="${TASKS_PATH}">All tasks</a></p></main>`,
  );
}

export interface ListView {
  readonly page: TaskPage;
  /** Whether the page begins with the newest tasks. */
  readonly isFirst: boolean;
  readonly ended: readonly TaskRecord[];
  readonly filters: Filters;
  readonly viewer: Viewer;
  readonly now: number;
}

export function listView({ page, isFirst, ended, filters, viewer, now }: ListView): Html {
  const { tasks, nextCursor } = page;
  const option = (state: string) =>
    state === filters.state
      ? html`<option value="${state}" selected>${state}</option>`
      : html`<option value="${state}">${state}</option>`;
  const owner = viewer.isOperator
    ? html`<p><label for="owner">Owner</label><input id="owner" name="owner" value="${filters.owner}"></p>`
    : html``;
  const pages: (readonly [text: string, cursor: string])[] = [];
  if (!isFirst) pages.push(['Newest tasks', '']);
  // A store may stop at a number of tasks before it has found one.
  if (nextCursor !== undefined) pages.push([tasks.length === 0 ? 'Look further' : 'Older tasks', nextCursor]);
  const links = pages.map(
    ([text, cursor]) =>
      html`<a href="${TASKS_PATH}?${new URLSearchParams({ ...filters, cursor }).toString()}">${text}</a> `,
  );
  const rows = tasks.map(record => taskRow(record, viewer, now));
  const head = ['Task', 'State', ...(viewer.isOperator ? ['Owner'] : []), 'Age', 'Ran', 'Progress'];
  const table =
    tasks.length === 0
      ? html`<p>${nextCursor === undefined ? 'There are no such tasks.' : 'There are no such tasks among the newest.'}</p>`
      : html`<table><thead><tr>${head.map(name => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
  const whose = viewer.isOperator ? 'Tasks of all owners' : `Tasks of ${viewer.principal}`;
  return layout(
    'Tasks',
    html`<header><h1>${whose}</h1>${signOut(viewer)}</header><main>
<form class="filters" method="get" action="${TASKS_PATH}"><p><label for="state">State</label>
<select id="state" name="state"><option value="">all</option>${TASK_STATES.map(option)}</select></p>
<p><label for="operation">Operation</label><input id="operation" name="operation" value="${filters.operation}"></p>${owner}
<p><button>Show</button></p></form>
<section id="charts" data-live aria-label="Durations and failures">${charts(ended)}</section>
<section id="tasks" data-live aria-label="List of tasks"><h2>Tasks</h2>${table}<p>${links}</p></section></main>`,
  );
}

function taskRow(record: TaskRecord, viewer: Viewer, now: number): Html {
  const { taskRef, operation, createdAt, startedAt, endedAt = now, owner } = record;
  const ran = startedAt === undefined ? '-' : lasted(endedAt - startedAt);
  const ownerCell = viewer.isOperator ? html`<td class="long" data-label="Owner">${owner}</td>` : html``;
  return html`<tr><td data-label="Task"><a href="${pathOf(taskRef)}">${operation} ${taskRef.slice(-6)}</a></td>
<td data-label="State">${stateText(record)}</td>${ownerCell}
<td data-label="Age">${lasted(now - createdAt)}</td><td data-label="Ran">${ran}</td>
<td class="long" data-label="Progress">${progressOf(record)}</td></tr>`;
}

export function taskView(record: TaskRecord, viewer: Viewer, now: number): Html {
  const { taskRef, operation, owner, result, error, runCount, expiresAt } = record;
  const cancel = isEnded(record)
    ? html``
    : html`<p><a class="button danger" href="${pathOf(taskRef)}/cancel">Cancel this task</a></p>`;
  const end =
    error !== undefined
      ? html`<h2>Error</h2>${longText('Error', `${error.code}: ${error.message}`)}`
      : record.status === 'completed'
        ? html`<h2>Result</h2>${longText('Result', JSON.stringify(result, undefined, 2) ?? 'null')}`
        : html``;
  const expires = record.status === 'processing' ? 'not while it runs' : timeOf(expiresAt);
  return layout(
    `${operation} ${taskRef.slice(-6)}`,
    html`<header><h1>${operation}</h1>${signOut(viewer)}</header><main>
<p><a href="${TASKS_PATH}">All tasks</a></p>
<section id="task" data-live aria-label="Task"><p role="status">${stateText(record)} ${isEnded(record) ? '' : progressOf(record)}</p>
<dl><dt>Reference</dt><dd>${taskRef}</dd><dt>Owner</dt><dd>${owner}</dd><dt>Runs</dt><dd>${runCount}</dd>
<dt>Expires</dt><dd>${expires}</dd></dl>
<h2>Life</h2><ol class="life">${lifeOf(record, now)}</ol>${end}</section>
<section id="actions" data-live aria-label="Actions">${cancel}</section></main>`,
  );
}

/** Asks before a task is cancelled. */
export function cancelView(record: TaskRecord, viewer: Viewer): Html {
  const { taskRef, operation } = record;
  return layout(
    `Cancel ${operation} ${taskRef.slice(-6)}`,
    html`<header><h1>Cancel ${operation}?</h1>${signOut(viewer)}</header><main>
<p>The task ${taskRef} is ${stateText(record)}. Once cancelled, it has no result and does not run again.</p>
<form method="post" action="${pathOf(taskRef)}/cancel"><input type="hidden" name="form" value="${viewer.formToken}">
<p class="choices"><button class="danger">Cancel the task</button> <a class="button" href="${pathOf(taskRef)}">Let it go on</a></p>
</form></main>`,
  );
}

/** The moments of a task's life that its record knows, in their order. */
function lifeOf(record: TaskRecord, now: number): readonly Html[] {
  const { createdAt, startedAt, endedAt, updatedAt, waitedMs, delivery, inputRequests = {} } = record;
  const moments: (readonly [number, string])[] = [[createdAt, 'submitted']];
  if (startedAt !== undefined)
    moments.push([startedAt, `run ${record.runCount} began, after ${lasted(startedAt - createdAt)}`]);
  if (endedAt === undefined && updatedAt > (startedAt ?? createdAt))
    moments.push([updatedAt, cut(taskMessage(record) ?? 'changed last', MAX_MESSAGE)]);
  for (const { method } of Object.values(inputRequests)) moments.push([updatedAt, `asks: ${method}`]);
  if (endedAt !== undefined) {
    const waited = waitedMs > 0 ? `, ${lasted(waitedMs)} of it for answers` : '';
    moments.push([endedAt, `${record.status}, ${lasted(endedAt - (startedAt ?? createdAt))} later${waited}`]);
  }
  if (delivery?.lastAttemptAt !== undefined)
    moments.push([delivery.lastAttemptAt, `webhook ${delivery.status}, attempt ${delivery.attempts}`]);
  if (endedAt === undefined) moments.push([now, 'now']);
  return moments.map(([at, text]) => html`<li>${timeOf(at)} ${text}</li>`);
}

function stateText(record: TaskRecord): Html {
  const state = stateOf(record);
  return html`<span class="state ${state}">${state}</span>`;
}

function progressOf(record: TaskRecord): Html {
  const { progress } = record;
  const bar =
    progress?.total === undefined || progress.total <= 0 || isEnded(record)
      ? html``
      : html`<progress aria-label="Progress" max="${progress.total}" value="${progress.progress}"></progress> `;
  return html`${bar}${cut(taskMessage(record) ?? '', MAX_MESSAGE)}`;
}

const MAX_MESSAGE = 200;
const MAX_LONG_TEXT = 20_000;

function longText(name: string, text: string): Html {
  const shown = cut(text, MAX_LONG_TEXT);
  return html`<pre tabindex="0" role="region" aria-label="${name}">${shown}</pre>`;
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)} … and ${text.length - max} characters more`;
}

function signOut({ isSignedIn, formToken }: Viewer): Html {
  if (!isSignedIn) return html``;
  return html`<form method="post" action="${TASKS_PATH}/sign-out"><input type="hidden" name="form" value="${formToken}">
<button>Sign out</button></form>`;
}

function pathOf(taskRef: string): string {
  return `${TASKS_PATH}/${encodeURIComponent(taskRef)}`;
}

function lasted(durationMs: number): string {
  return formatDuration(durationMs < 1000 ? Math.max(0, durationMs) : Math.floor(durationMs / 1000) * 1000);
}

function layout(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="same-origin">
<link rel="stylesheet" href="${TASKS_PATH}/page.css"><script src="${TASKS_PATH}/page.js" defer></script></head><body>
<p id="stale" class="problem" role="alert" hidden>The server does not answer. What is shown here is how the tasks last stood.</p>
${body}</body></html>`;
}

const BARS = 30;
const HEIGHT = 40;

interface Bar {
  readonly durationsMs: number[];
  failed: number;
}

/** Durations and failures of tasks that have ended, over the time in which they did: a picture, and its words. */
function charts(records: readonly TaskRecord[]): Html {
  const ended = records.filter(
    ({ status, startedAt }) => (status === 'completed' || status === 'failed') && startedAt !== undefined,
  );
  if (ended.length === 0) return html`<p class="quiet">No task has ended yet.</p>`;
  const times = ended.map(({ endedAt = 0 }) => endedAt);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const bars: Bar[] = Array.from({ length: BARS }, () => ({ durationsMs: [], failed: 0 }));
  for (const { status, startedAt = 0, endedAt = 0, waitedMs } of ended) {
    const bar = bars[Math.min(BARS - 1, Math.floor(((endedAt - from) / Math.max(1, to - from)) * BARS))];
    bar?.durationsMs.push(Math.max(0, endedAt - startedAt - waitedMs));
    if (bar !== undefined && status === 'failed') bar.failed++;
  }
  const means = bars.map(({ durationsMs }) => sum(durationsMs) / Math.max(1, durationsMs.length));
  const counts = bars.map(({ durationsMs }) => durationsMs.length);
  const failed = bars.map(bar => bar.failed);
  const all = bars.flatMap(({ durationsMs }) => durationsMs);
  const mean = formatDuration(Math.round(sum(all) / all.length));
  const longest = formatDuration(Math.max(...all));
  const failures = sum(failed);
  const ends = html`<p class="ends"><span>from ${timeOf(from)}</span> <span>to ${timeOf(to)}</span></p>`;
  return html`<div class="charts">
<figure>${picture('Durations over time', means, [{ values: means, name: 'bar' }])}${ends}
<figcaption>Durations: mean ${mean}, longest ${longest}</figcaption></figure>
<figure>${picture('Tasks that ended, over time; those that failed below', counts, [
    { values: counts, name: 'bar-good' },
    { values: failed, name: 'bar-bad' },
  ])}${ends}
<figcaption>Failures: ${failures} of the last ${ended.length} that ended (${Math.round((100 * failures) / ended.length)} %)</figcaption></figure>
</div>`;
}

interface Layer {
  readonly values: readonly number[];
  readonly name: string;
}

function picture(title: string, scale: readonly number[], layers: readonly Layer[]): Html {
  const most = Math.max(...scale, 1);
  const bars = layers.flatMap(({ values, name }) =>
    values.map((value, index) => {
      const height = Number(((value / most) * (HEIGHT - 2)).toFixed(2));
      return value === 0
        ? html``
        : html`<rect class="${name}" x="${index * 4}" y="${HEIGHT - height}" width="3" height="${height}"/>`;
    }),
  );
  return html`<svg role="img" aria-label="${title}" viewBox="0 0 ${BARS * 4} ${HEIGHT}" preserveAspectRatio="none">
<line class="axis" x1="0" y1="${HEIGHT}" x2="${BARS * 4}" y2="${HEIGHT}"/>${bars}</svg>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
