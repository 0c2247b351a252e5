import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { BIN, ROOT } from '../cli/command.js';
import { newHome, startHost, textOf } from './proxy-host.js';

const OPERATIONS = fileURLToPath(new URL('../fixtures/hosts/asking-operations.mjs', import.meta.url));
const serve = [BIN, 'serve', '--operations', OPERATIONS, '--no-builtin'];

test('a host that cannot ask gets the question, what a person can do, and the result once it is answered', async () => {
  const home = newHome();
  const { client } = await startHost(['--', process.execPath, ...serve], home);
  const asked = await client.callTool({ name: 'paint', arguments: { seconds: 0 } });
  const journal = new JournalFile(join(home, 'journal.db'));
  const [job] = journal.list({ all: false });
  journal.close();
  expect(asked).toMatchObject({ structuredContent: { status: 'input_required', tool: 'paint' } });
  expect(asked.isError).toBeUndefined();
  expect(textOf(asked)).toContain(
    `waits for input, which this host cannot ask for: "Which color?". A person answers in a terminal: \`npx mcp-await wait ${job?.id}\``,
  );

  const { next } = asked.structuredContent as { next: { tool: string; arguments: { reference: string } } };
  const goOn = () => client.callTool({ name: next.tool, arguments: next.arguments });
  expect((await goOn()).structuredContent).toMatchObject({ status: 'input_required', next });
  const person = await AwaitClient.connect(
    { command: process.execPath, args: serve, cwd: ROOT, env: { ...process.env, MCP_AWAIT_HOME: home } },
    { onInput: () => ({ action: 'accept', content: { color: 'blue' } }) },
  );
  onTestFinished(() => person.close());
  if (job?.reference === undefined) throw new Error('The journal has no reference of the call');
  const task = await person.resumeTask(job.reference);
  expect((await task.result()).structuredContent).toEqual({ painted: 'blue' });
  expect((await goOn()).structuredContent).toEqual({ painted: 'blue' });
});
