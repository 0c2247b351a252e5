import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { pairs } from '../../src/cli/pairs.js';
import { tools } from '../../src/cli/tools.js';
import { parsePairs } from '../../src/client/tools/pair-options.js';
import { pairServer } from '../fixtures/pairs/pair-server.js';

const json = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });

/** A server whose tools speak for themselves. */
async function exporting() {
  const { url } = await pairServer(
    {
      pair: {
        name: 'x',
        start: { tool: 'start_export' },
        status: { tool: 'get_export_status', handleArgument: 'export_id' },
      },
      call: { name: 'start_export', arguments: {} },
      ids: ['e1'],
      started: json({ export_id: 'e1' }),
      running: [],
      ends: { completed: json({ status: 'done' }) },
      definitions: {
        start_export: { description: 'Starts an export job in the background. Poll get_export_status.' },
        get_export_status: { description: 'The status of an export.' },
      },
    },
    'completed',
  );
  const folder = mkdtempSync(join(tmpdir(), 'pairs-init-'));
  const file = join(folder, 'mcp.json');
  writeFileSync(
    file,
    JSON.stringify({ mcpServers: { exporter: { url, headers: {} }, other: { command: 'x' } }, more: 1 }),
  );
  return { url, file, folder };
}

function terminal(folder: string, typed?: string) {
  const stdin = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
  if (typed !== undefined) stdin.write(typed);
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
  return {
    io: { argv: [], stdin, stdout, stderr, env: { CI: '1' }, cwd: () => folder, on() {}, off() {} },
    async said() {
      stdout.end();
      stderr.end();
      return { stdout: await text(stdout), stderr: await text(stderr) };
    },
  };
}

describe('mcp-await pairs init', () => {
  test('explains what it proposes, and writes what is accepted', async () => {
    const { file, folder } = await exporting();
    const before = JSON.parse(readFileSync(file, 'utf8'));
    const { io, said } = terminal(folder);
    expect(await pairs({ server: 'exporter', config: file, yes: true }, [], io)).toBe(0);
    const { stdout, stderr } = await said();
    expect(stderr).toMatch(
      /start_export → get_export_status\(export_id\): strong evidence, score \d+\n {2}- `start_export` names/,
    );
    expect(stderr).toContain('1 of 1 written to the server `exporter`');
    const after = JSON.parse(readFileSync(file, 'utf8'));
    expect(after).toEqual({
      ...before,
      mcpServers: {
        ...before.mcpServers,
        exporter: { ...before.mcpServers.exporter, pairs: JSON.parse(stdout) },
      },
    });
    expect(parsePairs(after.mcpServers.exporter.pairs, 'file')).toMatchObject([
      { name: 'start_export', status: { tool: 'get_export_status', handleArgument: 'export_id' } },
    ]);
  });

  test('has nothing more to propose then, and the pair is told', async () => {
    const { file, folder } = await exporting();
    await pairs({ server: 'exporter', config: file, yes: true }, [], terminal(folder).io);
    const again = terminal(folder);
    await pairs({ server: 'exporter', config: file, yes: true }, [], again.io);
    expect((await again.said()).stderr).toContain('not known already');
    const listed = terminal(folder);
    await tools({ server: 'exporter', config: file, why: true }, [], listed.io);
    expect((await listed.said()).stdout).toMatch(
      /start_export .*\n +tool-pair: .*profile `start_export`[\s\S]*hidden from agents\n +get_export_status\n/,
    );
  });

  test.each([
    ['y\n', 1],
    ['n\n', 0],
    ['\n', 0],
  ])('asks on a terminal: %j', async (typed, count) => {
    const { file, folder } = await exporting();
    const { io, said } = terminal(folder, typed);
    await pairs({ server: 'exporter', config: file }, [], io);
    expect(JSON.parse((await said()).stdout)).toHaveLength(count);
    expect(JSON.parse(readFileSync(file, 'utf8')).mcpServers.exporter.pairs ?? []).toHaveLength(count);
  });

  test('writes nothing without a name or a word of consent', async () => {
    const { url, file, folder } = await exporting();
    for (const [flags, typed, why] of [
      [{ url, yes: true }, undefined, /because no file names this server: put these under `pairs`/],
      [{ url }, 'y\n', /because no file names this server: put these under `pairs`/],
      [{ server: 'exporter', config: file }, undefined, /because nobody was asked: --yes writes these/],
    ] as const) {
      const { io, said } = terminal(folder, typed);
      await pairs(flags, [], io);
      expect((await said()).stderr).toMatch(why);
    }
    expect(JSON.parse(readFileSync(file, 'utf8')).mcpServers.exporter).not.toHaveProperty('pairs');
  });
});

describe('mcp-await tools', () => {
  test('tells how each would be awaited, in two groups; --no-detect takes what is found away', async () => {
    const { url, folder } = await exporting();
    const found = terminal(folder);
    await tools({ url }, [], found.io);
    expect((await found.said()).stdout).toMatch(
      /^Long: .*\n {2}start_export .*\n\nPlain: .*\n {2}greet\n {2}get_export_status .*\n$/,
    );
    const plain = terminal(folder);
    await tools({ url, detect: false }, [], plain.io);
    expect((await plain.said()).stdout).toMatch(/^Plain: .*\n[\s\S]*start_export /);
  });

  test('tells with --why what speaks for a pair and against it', async () => {
    const { url, folder } = await exporting();
    const { io, said } = terminal(folder);
    await tools({ url, why: true }, [], io);
    const { stdout } = await said();
    expect(stdout).toMatch(
      /start_export .*\n {4}tool-pair: .*\n {4}\+4 +named +`start_export` names `get_export_status`\n/,
    );
    expect(stdout).toMatch(/\n {4}\d+ +score +of `get_export_status`\n/);
  });

  test.each([
    [
      'merely possible',
      ['run_report', 'get_report_status', 'report_id'],
      /run_report .*\n +sync: answers the call itself; possibly a pair: `get_report_status` may tell/,
      / {4}\+2 +shared-noun +both are about `report`\n/,
    ],
    [
      'ruled out',
      ['create_issue', 'get_issue_state', 'issue_id'],
      /create_issue .*\n +sync: .*`get_issue_state` looks like its status tool, but is not used/,
      / {4}veto +lasting +it may be about what lasts for days\n/,
    ],
  ] as const)(
    'calls a pair that is %s synchronous, with the pair as a note',
    async (_what, names, line, why) => {
      const [start, status, handleArgument] = names;
      const { url } = await pairServer(
        {
          pair: { name: 'x', start: { tool: start }, status: { tool: status, handleArgument } },
          call: { name: start, arguments: {} },
          ids: [],
          started: json({}),
          running: [],
          ends: {},
        },
        'completed',
      );
      const said = async (flags: object) => {
        const shown = terminal(tmpdir());
        await tools({ url, ...flags }, [], shown.io);
        return (await shown.said()).stdout;
      };
      expect(await said({})).toMatch(/^Plain: /);
      expect(await said({ why: true })).toMatch(line);
      expect(await said({ why: true })).toMatch(why);
      const rows = JSON.parse(await said({ json: true }));
      expect(rows).toContainEqual(
        expect.objectContaining({
          tool: start,
          protocol: 'sync',
          found: expect.objectContaining({ statusTool: status }),
        }),
      );
    },
  );
});
