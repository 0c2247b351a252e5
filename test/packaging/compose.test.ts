import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BIN, newWorkplace, ROOT, type Workplace } from '../cli/command.js';
import { freePort } from '../fixtures/free-port.js';
import { describeWith } from '../services/index.js';

const run = promisify(execFile);
const compose = await readFile(join(ROOT, 'packaging/compose.yaml'), 'utf8');
const dockerfile = await readFile(join(ROOT, 'packaging/Dockerfile'), 'utf8');
/** A list as YAML and a Dockerfile write it, in single or in double quotes. */
const listed = (text = '[]'): string[] => JSON.parse(text.includes('"') ? text : text.replaceAll("'", '"'));

/** The command of a service of the compose file. */
function commandOf(service: string): string[] {
  const section = new RegExp(`^ {2}${service}:\\n((?: {3,}.*\\n|\\n)*)`, 'm').exec(compose)?.[1] ?? '';
  return listed(/^ {4}command: (\[.*\])$/m.exec(section)?.[1]);
}

describeWith('Redis', 'the commands of the compose file', service => {
  let place: Workplace;
  beforeAll(async () => {
    place = await newWorkplace();
  });
  afterAll(() => place.remove());

  it('make one front and two workers that finish a job, each seen as healthy by the check of the image', async () => {
    const tokens = join(place.home, 'tokens');
    await writeFile(tokens, 'me=0123456789abcdef0123456789abcdef\n');
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    // Containers have addresses and ports of their own; here all of them share one loopback.
    const here = (words: readonly string[], port: number) =>
      words.map(word =>
        word
          .replace('/run/secrets/tokens', tokens)
          .replace('0.0.0.0', '127.0.0.1')
          .replaceAll('3000', String(port)),
      );
    const env = { MCP_AWAIT_STATE_PROVIDER: service().url, MCP_AWAIT_SERVER_PORT: String(ports[0]) };
    expect(compose).toContain('MCP_AWAIT_STATE_PROVIDER: redis://redis:6379');
    const front = place.start(here(commandOf('front'), ports[0]), { env });
    const url = (await front.says(/Listening on (\S+)/))[1] ?? '';
    const [, replicas] = /replicas: (\d+)/.exec(compose) ?? [];
    expect(replicas).toBe('2');
    for (const port of [ports[1], ports[2]])
      await place.start(here(commandOf('worker'), port), { env }).says(/Working on .*\n/);

    const check = listed(/HEALTHCHECK[\s\S]*?CMD (\[.*\])/.exec(dockerfile)?.[1]);
    for (const port of ports) {
      const [program = '', ...words] = here(check, port);
      await run(program, words);
    }
    const [program = '', ...words] = here(check, await freePort());
    await expect(run(program, words)).rejects.toMatchObject({ code: 1 });

    const header = ['--header', 'Authorization: Bearer 0123456789abcdef0123456789abcdef'];
    const job = ['run', 'hash_tree', '--arg', 'path=package.json', '--url', url, ...header];
    const { stdout } = await place.run(job);
    expect(JSON.parse(stdout)).toMatchObject({ path: 'package.json', files: 1 });
    expect((await place.run(['tools', '--url', url])).code).not.toBe(0);
  });

  it('start the program of the image, whose default command is one', async () => {
    const entry = listed(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1]);
    expect(entry[1]?.endsWith(BIN.slice(ROOT.length).replace(/^\/?/, '/'))).toBe(true);
    const [verb = '', ...flags] = listed(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1]);
    const { stdout } = await place.run([verb, '--help']);
    for (const flag of flags.filter(word => word.startsWith('--'))) expect(stdout).toContain(flag);
  });
});
