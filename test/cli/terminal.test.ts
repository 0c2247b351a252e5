import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quote } from '../../src/cli/shell-quote.js';
import { BIN } from './command.js';

const hasTmux = spawnSync('tmux', ['-V']).error === undefined;
const name = hasTmux ? 'on a terminal' : 'on a terminal (skipped: `tmux` is not installed)';

let home: string;
let socket: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'terminal-'));
  socket = join(home, 'tmux');
});
afterEach(() => {
  spawnSync('tmux', ['-S', socket, 'kill-server']);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

const tmux = (...words: string[]) =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });
/** The lines that stand on the screen. */
const screen = () => tmux('capture-pane', '-p').trimEnd();
const shows = (pattern: RegExp) => expect.poll(screen, { timeout: 30_000, interval: 50 }).toMatch(pattern);

function runIn(columns: number, seconds: number, variables = ''): void {
  const command = `${variables} ${quote(process.execPath)} ${quote(BIN)} run sleep --arg seconds=${seconds}`;
  const shell = `stty -echo; env -u CI LANG=C.UTF-8 MCP_AWAIT_HOME=${quote(home)} ${command}; echo "over: $?"; stty echo; cat`;
  tmux('new-session', '-d', '-x', String(columns), '-y', '20', shell);
}

describe.skipIf(!hasTmux)(name, () => {
  it('80 columns have the step, the bar, the time left, and an end that stays', async () => {
    runIn(80, 4);
    await shows(/^\S starting the bundled server/);
    await shows(/^\S sleep · █+░+ \d+ % .* · \d s · ~\d s left · \S/);
    await shows(/over: 0/);
    expect(screen().split('\n')).toEqual([
      expect.stringMatching(/^✔ sleep · \d s$/),
      '{"slept_seconds":4}',
      'over: 0',
    ]);
  });

  it('40 columns keep the line one line, also when they become fewer, and Ctrl-C leaves nothing of it', async () => {
    runIn(40, 60);
    await shows(/^\S sleep · █+░+ \d+ % .*· \d s$/m);
    tmux('resize-window', '-x', '30', '-y', '20');
    await shows(/^\S sleep · .{1,24}$/);
    expect(screen().split('\n')).toHaveLength(1);
    tmux('send-keys', 'C-c');
    await shows(/over: 130/);
    expect(screen()).not.toMatch(/[█░]/);
    expect(screen().replaceAll('\n', '')).toMatch(/mcp-await wait [0-9a-f]{6}\b/);
  });

  it('Ctrl-Z gives the cursor back, and the line comes again with the command', async () => {
    const env = `env -u CI LANG=C.UTF-8 PS1=ready MCP_AWAIT_HOME=${quote(home)}`;
    tmux('new-session', '-d', '-x', '80', '-y', '20', `${env} bash --norc --noprofile -i`);
    await shows(/^ready/);
    const cursor = () => tmux('display-message', '-p', '#{cursor_flag}').trim();
    tmux('send-keys', `${quote(process.execPath)} ${quote(BIN)} run sleep --arg seconds=60`, 'Enter');
    await shows(/^\S sleep · █*░+ \d+ %/m);
    expect(cursor()).toBe('0');
    tmux('send-keys', 'C-z');
    await shows(/Stopped/);
    expect(screen()).not.toContain('░');
    expect(cursor()).toBe('1');
    tmux('send-keys', 'fg', 'Enter');
    await shows(/^\S sleep · █*░+ \d+ %/m);
    tmux('send-keys', 'C-c');
    await shows(/mcp-await wait [0-9a-f]{6}/);
    expect(cursor()).toBe('1');
  });

  it('another encoding gets ASCII signs', async () => {
    runIn(80, 3, 'LC_ALL=C');
    await shows(/^\S sleep - #+\.+ \d+ %/);
    await shows(/^\+ sleep - \d s\n[^\n]*\nover: 0/);
  });

  it('a terminal that draws nothing gets lines', async () => {
    runIn(80, 3, 'TERM=dumb');
    await shows(/^sleep: working[\s\S]*sleep: completed\n[\s\S]*over: 0/);
  });
});
