import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runMain } from '../fixtures/cli/memory-io.js';
import { BIN } from './command.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-await-completion-'));
  writeFileSync(
    join(home, 'mcp.json'),
    JSON.stringify({ mcpServers: { video: { command: 'x' }, 'my photos': { command: 'y' } } }),
  );
  mkdirSync(join(home, 'bin'));
  const bin = join(home, 'bin', 'mcp-await');
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  chmodSync(bin, 0o755);
});
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

async function completions(...words: string[]): Promise<string[]> {
  const { stdout } = await runMain(['complete', '--', 'mcp-await', ...words], { cwd: home });
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split('\t')[0] ?? '');
}

describe('what may stand at the cursor', () => {
  test.each<[string[], string[]]>([
    [['pro'], ['proxy']],
    [['st'], ['status', 'store', 'stats']],
    [['run', 'x', '--on-'], ['--on-interrupt']],
    [
      ['run', 'x', '--on-interrupt', ''],
      ['detach', 'cancel'],
    ],
    [
      ['run', 'x', '--server', ''],
      ['video', 'my photos'],
    ],
    [['tools', '--server', 'v'], ['video']],
    [['serve', '--settings', ''], [':files']],
    [['run', 'x', '--', 'node', ''], [':files']],
    [
      ['install', 'c'],
      ['claude-code', 'claude-desktop', 'cursor', 'codex'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['run', ''], []],
    [['wait', ''], []],
    [['no-such-verb', ''], []],
    [['run', 'x', '--config', 'missing.json', '--server', ''], []],
  ])('after %j', async (words, expected) => {
    expect(await completions(...words)).toEqual(expected);
  });

  test('is every verb that is not hidden at first', async () => {
    const verbs = await completions('');
    expect(verbs).toEqual(expect.arrayContaining(['run', 'wait', 'install', 'doctor', 'completion']));
    expect(verbs).not.toContain('keep');
    expect(verbs).not.toContain('complete');
  });
});

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

/** What a real shell completes a line to. */
function completedBy(shell: 'bash' | 'zsh' | 'fish', line: string): string[] {
  const env = {
    ...process.env,
    PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
    HOME: home,
    MCP_AWAIT_HOME: join(home, 'state'),
  };
  const words = line.split(' ');
  const scripts = {
    bash: `source <(mcp-await completion bash); COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _mcp_await; printf '%s\\n' "\${COMPREPLY[@]}"`,
    zsh: `compdef() { :; }; _describe() { printf '%s\\n' "\${(@)found%%:*}"; }; source <(mcp-await completion zsh); words=(${words.map(word => `'${word}'`).join(' ')}); CURRENT=${words.length}; _mcp_await`,
    fish: `mcp-await completion fish | source; complete -C '${line}' | string split -f1 \\t; or true`,
  };
  const out = execFileSync(shell, ['-c', scripts[shell]], {
    cwd: home,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return out.split('\n').filter(each => each !== '');
}

describe.each(['bash', 'zsh', 'fish'] as const)('%s', shell => {
  test.skipIf(!has(shell))(
    `completes verbs, choices and names of servers (skipped without ${shell})`,
    { timeout: 120_000 },
    () => {
      expect(completedBy(shell, 'mcp-await prox')).toEqual(['proxy']);
      expect(completedBy(shell, 'mcp-await run x --on-interrupt ').toSorted()).toEqual(['cancel', 'detach']);
      const servers = completedBy(shell, 'mcp-await run x --server ').map(each => each.replace('\\ ', ' '));
      expect(servers.toSorted()).toEqual(['my photos', 'video']);
    },
  );

  test.skipIf(!has(shell))(
    `runs no word of the line (skipped without ${shell})`,
    { timeout: 120_000 },
    () => {
      const line =
        shell === 'fish' ? 'mcp-await run (touch run) --ser' : `mcp-await run $(touch\${IFS}run) --ser`;
      expect(completedBy(shell, line)).toContain('--server');
      expect(() => rmSync(join(home, 'run'))).toThrow(/ENOENT/);
    },
  );
});
