import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpMcp, usual } from '../fixtures/client/http-mcp.js';
import { BIN, newWorkplace, ROOT, type Workplace } from './command.js';

const SIZE = 100 * 1024 * 1024;
/** Three times the default of `maxAnswerBytes`, in MiB. */
const MAX_PEAK = 384;
const PRELOAD = join(ROOT, 'test/fixtures/cli/note-peak-memory.mjs');
const STDIO = [process.execPath, join(ROOT, 'test/fixtures/cli/large-stdio-server.mjs')];

let place: Workplace;
let folder: string;
beforeEach(async () => {
  place = await newWorkplace();
  folder = await mkdtemp(join(tmpdir(), 'peak-'));
});
afterEach(async () => {
  await place.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command. @returns the peaks of its processes, in MiB */
async function peaksOf(args: readonly string[]) {
  const file = join(folder, 'peaks');
  const env = { PEAK_FILE: file, NODE_OPTIONS: `--import ${PRELOAD}` };
  const { code, stdout, stderr } = await place.start(args, { cwd: folder, env }).finished;
  const peaks = (await readFile(file, 'utf8')).trim().split('\n').map(Number);
  return { code, size: stdout.length, stderr: stderr.slice(-500), peaks };
}

const envelope = (id: unknown) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    result: { content: [{ type: 'text', text: 'x'.repeat(SIZE) }] },
  });

const ANSWERS: readonly [string, (response: ServerResponse, id: unknown) => void][] = [
  [
    'JSON',
    (response, id) => response.writeHead(200, { 'content-type': 'application/json' }).end(envelope(id)),
  ],
  [
    'an event',
    (response, id) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${envelope(id)}\n\n`),
  ],
  [
    'compressed JSON',
    (response, id) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(envelope(id), { level: 1 })),
  ],
];

describe.skipIf(process.platform !== 'linux')(
  'an answer of 100 MiB of text needs at most three times the limit',
  () => {
    test.each(ANSWERS)('over HTTP as %s', async (_what, answer) => {
      const { url } = await httpMcp((message, _request, response) => {
        if (message.method !== 'tools/call') return usual(message);
        answer(response, message.id);
        return undefined;
      });
      const { code, size, stderr, peaks } = await peaksOf(['run', 'a', '--quiet', '--url', url]);
      expect({ code, size, stderr }).toEqual({ code: 0, size: SIZE + 1, stderr: '' });
      expect(Math.max(...peaks)).toBeLessThan(MAX_PEAK);
    });

    test('on standard streams, with --json', async () => {
      const { code, size, peaks } = await peaksOf(['run', 'a', '--quiet', '--json', '--', ...STDIO]);
      expect(code).toBe(0);
      expect(size).toBeGreaterThan(SIZE);
      expect(Math.max(...peaks)).toBeLessThan(MAX_PEAK);
    });

    test('through a proxy', async () => {
      const proxy = [process.execPath, BIN, 'proxy', '--', ...STDIO];
      const { code, size, peaks } = await peaksOf(['run', 'a', '--quiet', '--', ...proxy]);
      expect([code, size]).toEqual([0, SIZE + 1]);
      expect(Math.max(...peaks)).toBeLessThan(MAX_PEAK);
    });

    test('in a worker, which keeps no result so large', async () => {
      const [command, ...args] = STDIO;
      await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: { large: { command, args } } }));
      const call = ['--args', JSON.stringify({ server: 'large', tool: 'a' })];
      const { code, stderr, peaks } = await peaksOf(['run', 'mcp_tool', '--quiet', ...call]);
      expect(stderr).toContain('more than the');
      expect(code).toBe(1);
      expect(Math.max(...peaks)).toBeLessThan(MAX_PEAK);
    });
  },
);
