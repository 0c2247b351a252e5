import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('../../../src/engine/dynamodb/', import.meta.url);
/** What only `mcp-await store create` does. */
const CREATES = 'create-store.ts';

/** The permission that a command of the AWS SDK needs. */
function permissionOf(command: string): string | undefined {
  // Its items need the permissions of their own kinds.
  if (command === 'TransactWriteItems') return undefined;
  return command === 'BatchGetItem' ? command : command.replace(/Batch$/, '');
}

test('the policy of fronts and workers names what their code calls, and nothing else', () => {
  const code = readdirSync(folder)
    .filter(name => name !== CREATES)
    .map(name => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const called = [...code.matchAll(/\bnew (\w+)Command\(/g)].map(([, name = '']) => permissionOf(name));
  const page = readFileSync(new URL('../../../docs/production.md', import.meta.url), 'utf8');
  const [, policy = ''] =
    /Every front and every worker needs this policy:\s+```json\n([\s\S]*?)```/.exec(page) ?? [];
  const allowed = [...policy.matchAll(/"(?:dynamodb|sqs):(\w+)"/g)].map(([, action]) => action);
  expect(allowed.toSorted()).toEqual([...new Set(called.filter(name => name !== undefined))].toSorted());
});
