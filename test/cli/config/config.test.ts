import { expect, it } from 'vitest';
import { newPlace } from './place.js';

it('prints every setting that holds and who says so', async () => {
  const place = newPlace();
  const file = place.write('mcp-await.config.json', { server: { port: 1 } });
  const env = { MCP_AWAIT_EXECUTION_MAX_CONCURRENCY: '2', MCP_AWAIT_HOME: '/state' };
  const { code, stdout, stderr } = await place.run(
    ['config', '--max-attempts', '3', '--no-worker', '--http'],
    env,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const rows = stdout.split('\n').map(line => line.split(/ {2,}/));
  for (const row of [
    ['server.transport', 'http', 'flag'],
    ['server.port', '1', `file ${file}`],
    ['server.tokenFile', '(no token)', 'default'],
    ['server.worker', 'false', 'flag'],
    ['state.provider', 'sqlite:/state/tasks.db', 'default'],
    ['execution.maxConcurrency', '2', 'environment MCP_AWAIT_EXECUTION_MAX_CONCURRENCY'],
    ['polling.maxAttempts', '3', 'flag'],
  ]) {
    expect(rows).toContainEqual(row);
  }
});

it('prints one object with --json', async () => {
  const place = newPlace();
  const file = place.write('mcp-await.config.json', { state: { leaseSeconds: 5 } });
  const { stdout } = await place.run(['config', '--json', '--lease', '2s']);
  expect(JSON.parse(stdout)).toMatchObject({
    file,
    settings: {
      state: { leaseSeconds: { value: 2, source: 'flag' } },
      server: { tokenFile: { value: null, source: 'default' } },
    },
  });
});

it('warns of a variable that means nothing, and tells what is wrong with exit code 2', async () => {
  const place = newPlace();
  const warned = await place.run(['config', '--json'], { MCP_AWAIT_STATE_TTL: '5' });
  expect(warned).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/did you mean MCP_AWAIT_STATE_TTL_SECONDS\?\n$/),
  });
  const refused = await place.run(['config'], { MCP_AWAIT_STATE_TTL_SECONDS: '5m' });
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr: 'MCP_AWAIT_STATE_TTL_SECONDS: expected a positive number (seconds), got "5m"\n',
  });
});

it('refuses both transports at once', async () => {
  expect(await newPlace().run(['config', '--http', '--stdio'])).toMatchObject({
    code: 2,
    stderr: 'Give --http or --stdio, not both.\n',
  });
});
