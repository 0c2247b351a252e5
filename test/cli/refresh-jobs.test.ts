import { afterEach, beforeEach, expect, it } from 'vitest';
import { initiate, newWorkplace, type Workplace } from './command.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

it('list --refresh asks the server how a job stands', async () => {
  await place.run([...initiate('sleep', { seconds: 2 }), '--detach']);
  await expect
    .poll(async () => (await place.run(['list', '--refresh'])).stdout, { timeout: 30_000 })
    .toMatch(/^[0-9a-f]{6} .*completed, not delivered/m);
});

it('list says when it was told of an open job, and how to be told anew', async () => {
  await place.run([...initiate('sleep', { seconds: 60 }), '--detach']);
  await expect
    .poll(async () => (await place.run(['list'])).stderr, { timeout: 30_000, interval: 500 })
    .toMatch(
      /^What is open was last heard of \d+ s ago; `mcp-await list --refresh` asks how it stands now\.\n$/,
    );
  const [{ id }] = JSON.parse((await place.run(['list', '--json'])).stdout);
  await place.run(['cancel', id]);
});

it('list --refresh leaves a job that still runs as it is', async () => {
  const { stdout } = await place.run([...initiate('sleep', { seconds: 60 }), '--detach', '--json']);
  expect(JSON.parse(stdout).status).toBe('working');
  const [{ id }] = JSON.parse((await place.run(['list', '--json'])).stdout);
  const listed = await place.run(['list', '--refresh']);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toContain(`${id.slice(0, 6)} `);
  expect(listed.stdout).toMatch(/ working /);
  await place.run(['cancel', id]);
});
