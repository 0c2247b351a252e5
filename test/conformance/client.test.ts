import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { conformanceCommand, unavailable } from './newer-node.js';

const CLIENT = fileURLToPath(new URL('client-under-test.mjs', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const MINUTES = 60_000;

beforeAll(() => {
  if (!existsSync(LIBRARY)) throw new Error('This test needs `npm run build`.');
});

test.skipIf(unavailable !== undefined).each([
  ['initialize', '2025-11-25'],
  ['tools_call', '2025-11-25'],
  ['elicitation-sep1034-client-defaults', '2025-11-25'],
  ['sse-retry', '2025-11-25'],
  ['tools_call', '2026-07-28'],
  ['request-metadata', '2026-07-28'],
  ['sep-2322-client-request-state', '2026-07-28'],
  ['http-standard-headers', '2026-07-28'],
  ['http-custom-headers', '2026-07-28'],
  ['http-invalid-tool-headers', '2026-07-28'],
  ['json-schema-ref-no-deref', '2026-07-28'],
])('the client conforms to the scenario %s of %s', { timeout: 3 * MINUTES }, async (scenario, revision) => {
  const [node, script] = await conformanceCommand();
  const command = `${process.execPath} ${CLIENT}`;
  const args = [script, 'client', '--command', command, '--scenario', scenario, '--spec-version', revision];
  const { code, output } = await new Promise<{ code: number; output: string }>(resolve => {
    execFile(node, args, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
  expect(code, output.slice(-4000)).toBe(0);
  const [, passed, all] = /Passed: (\d+)\/(\d+), 0 failed, 0 warnings/.exec(output) ?? [];
  expect([passed, Number(passed) > 0], output.slice(-4000)).toEqual([all, true]);
});
