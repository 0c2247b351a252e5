import type { TaskRecord } from '../../engine/task-record.js';
import { formatDuration } from '../../time/duration.js';
import { type Html, html, timeOf } from './html.js';

const BARS = 30;
const HEIGHT = 40;

interface Bar {
  readonly durationsMs: number[];
  failed: number;
}

/** Durations and failures of tasks that have ended, over the time in which they did: a picture, and its words. */
export function charts(records: readonly TaskRecord[]): Html {
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
