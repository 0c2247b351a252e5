import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { CommandIo } from '../../../src/cli/io.js';
import { main } from '../../../src/cli/main.js';

/** A working folder of its own, in which commands run inside the test's process. */
export interface Place {
  readonly folder: string;
  write(name: string, content: string | object): string;
  io(env?: Record<string, string>, argv?: readonly string[]): CommandIo;
  run(args: readonly string[], env?: Record<string, string>): Promise<Said>;
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function newPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-await-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const io: Place['io'] = (env = {}, argv = []) => ({
    argv: ['node', 'mcp-await', ...argv],
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env,
    cwd: () => folder,
    on() {},
    off() {},
  });
  return {
    folder,
    io,
    write(name, content) {
      const file = join(folder, name);
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      return file;
    },
    async run(args, env) {
      const own = io(env, args);
      const code = await main(own);
      const read = (stream: unknown) => String((stream as PassThrough).read() ?? '');
      return { code, stdout: read(own.stdout), stderr: read(own.stderr) };
    },
  };
}
