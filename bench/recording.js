// `node bench/recording.js`: runs mcp-await in a real terminal (tmux), and writes what the screen shows to docs/images/run.svg,
// an animation without scripts. It needs tmux and a build.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COLUMNS = 84;
const ROWS = 10;
const FRAME_MS = 120;
/** What sets colors and weights. */
const STYLE = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);
const [CELL, LINE, PADDING] = [8.4, 19, 14];

/** What a person types, and what has to be on the screen before they go on. */
const SCRIPT = [
  { type: 'mcp-await run sleep --arg seconds=12\n', until: /[34]\d? ?%/ },
  { key: 'C-c', until: /mcp-await wait \S+/, pauseMs: 1500 },
  {
    type: screen => `${/mcp-await wait \w+/.exec(screen)?.[0]}\n`,
    until: /"slept_seconds": ?12/,
    pauseMs: 2500,
  },
];

const folder = mkdtempSync(join(tmpdir(), 'mcp-await-recording-'));
const socket = join(folder, 'tmux');
const tmux = (...words) =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });
const frames = [];
const startedAt = Date.now();

function look() {
  const text = tmux('capture-pane', '-e', '-p', '-t', 'recording').replace(/\s+$/, '');
  if (frames.at(-1)?.text !== text) frames.push({ at: Date.now() - startedAt, text });
  return text
    .split(STYLE)
    .filter((_, index) => index % 2 === 0)
    .join('');
}

async function watch(condition, limitMs) {
  const end = Date.now() + limitMs;
  for (;;) {
    const screen = look();
    if (condition(screen)) return screen;
    if (Date.now() > end) return screen;
    await sleep(FRAME_MS);
  }
}

/** Spans of one line of the screen, with the classes that its colors and weights come to. */
function spansOf(line) {
  let state = new Set();
  const spans = [];
  let column = 0;
  for (const part of line.split(STYLE)) {
    const codes = STYLE.test(part) ? part.slice(2, -1) : undefined;
    if (codes === undefined) {
      if (part !== '') spans.push({ column, text: part, classes: [...state].join(' ') });
      column += [...part].length;
    } else state = styled(state, codes.split(';').map(Number));
  }
  return spans;
}

const COLORS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

function styled(state, codes) {
  const next = new Set(state);
  const withoutColor = () => {
    for (const color of COLORS) next.delete(color);
  };
  for (const code of codes) {
    if (code === 0) next.clear();
    else if (code === 1) next.add('bold');
    else if (code === 2) next.add('dim');
    else if (code === 22) for (const name of ['bold', 'dim']) next.delete(name);
    else if (code === 39) withoutColor();
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      withoutColor();
      next.add(COLORS[code % 10]);
      if (code === 90) next.add('dim');
    }
  }
  return next;
}

const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function picture({ text }) {
  return text
    .split('\n')
    .flatMap((line, row) =>
      spansOf(line)
        .filter(span => span.text.trim() !== '')
        .map(span => {
          const indent = span.text.length - span.text.trimStart().length;
          const [shown, x] = [span.text.trim(), PADDING + (span.column + indent) * CELL];
          const style = span.classes === '' ? '' : ` class="${span.classes}"`;
          const width = ([...shown].length * CELL).toFixed(1);
          return `<text${style} x="${x.toFixed(1)}" y="${PADDING + 14 + row * LINE}" textLength="${width}">${escaped(shown)}</text>`;
        }),
    )
    .join('');
}

/** One group for each frame, shown for its share of the time. */
function animation(all, lengthMs) {
  const [width, height] = [Math.ceil(COLUMNS * CELL + 2 * PADDING), ROWS * LINE + 2 * PADDING];
  const percent = at => ((100 * at) / lengthMs).toFixed(3);
  const groups = all.map((frame, index) => {
    const [from, to] = [percent(frame.at), percent(all[index + 1]?.at ?? lengthMs)];
    const isFirst = Number(from) === 0;
    const rule = `@keyframes f${index}{0%{opacity:${isFirst ? 1 : 0}}${isFirst ? '' : `${from}%{opacity:1}`}${Number(to) >= 100 ? '' : `${to}%{opacity:0}`}${index === all.length - 1 ? '100%{opacity:1}' : '100%{opacity:0}'}}`;
    return {
      rule,
      group: `<g style="animation-name:f${index}"${index === all.length - 1 ? ' class="last"' : ''}>${picture(frame)}</g>`,
    };
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal: mcp-await run shows a bar; Ctrl-C leaves the job; mcp-await wait goes on and prints the result.">
<!-- made by \`node bench/recording.js\` -->
<style>
svg{--ink:#1f2328;--paper:#f6f8fa;--line:#d1d9e0;--red:#cf222e;--green:#1a7f37;--yellow:#7d4e00;--blue:#0969da;--magenta:#8250df;--cyan:#1b7c83}
@media (prefers-color-scheme:dark){svg{--ink:#f0f6fc;--paper:#0d1117;--line:#3d444d;--red:#ff7b72;--green:#3fb950;--yellow:#d29922;--blue:#58a6ff;--magenta:#bc8cff;--cyan:#39c5cf}}
rect{fill:var(--paper);stroke:var(--line)}
text{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:14px;fill:var(--ink);white-space:pre}
g{opacity:0;animation-duration:${lengthMs}ms;animation-timing-function:step-end;animation-iteration-count:infinite}
.bold{font-weight:700}.dim{opacity:.65}.red{fill:var(--red)}.green{fill:var(--green)}.yellow{fill:var(--yellow)}.blue{fill:var(--blue)}.magenta{fill:var(--magenta)}.cyan{fill:var(--cyan)}
@media (prefers-reduced-motion:reduce){g{animation:none}g.last{opacity:1}}
${groups.map(({ rule }) => rule).join('\n')}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10"/>
${groups.map(({ group }) => group).join('\n')}
</svg>
`;
}

try {
  mkdirSync(join(folder, 'bin'));
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'bin/mcp-await.js')}' "$@"\n`;
  writeFileSync(join(folder, 'bin/mcp-await'), script, { mode: 0o755 });
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    MCP_AWAIT_HOME: join(folder, 'state'),
    PS1: '$ ',
  };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const shell = ['env', ...variables, 'bash', '--norc', '--noprofile'];
  tmux(
    'new-session',
    '-d',
    '-s',
    'recording',
    '-x',
    String(COLUMNS),
    '-y',
    String(ROWS),
    '-c',
    folder,
    ...shell,
  );
  tmux('set', '-g', 'status', 'off');
  let screen = await watch(text => text.includes('$'), 10_000);
  for (const { type, key, until, pauseMs = 400 } of SCRIPT) {
    await sleep(600);
    for (const letter of typeof type === 'function' ? type(screen) : (type ?? '')) {
      tmux('send-keys', '-t', 'recording', ...(letter === '\n' ? ['Enter'] : ['-l', letter]));
      await watch(() => true, 0);
      await sleep(25);
    }
    if (key !== undefined) tmux('send-keys', '-t', 'recording', key);

    screen = await watch(text => until.test(text), 60_000);
    if (!until.test(screen)) throw new Error(`The screen did not show ${until}:\n${screen}`);
    screen = await watch(() => false, pauseMs);
  }
  writeFileSync(join(ROOT, 'docs/images/run.svg'), animation(frames, Date.now() - startedAt));
} finally {
  try {
    tmux('kill-server');
  } catch {
    // It has ended by itself.
  }
  await sleep(500);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
