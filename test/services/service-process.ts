import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { sleep } from '../../src/time/sleep.js';
import { leash } from './leash.js';

const START_TIMEOUT_MS = 30_000;

/** A database server of the tests' own, on a free port of the loopback address. */
export interface Service {
  readonly url: string;
  /** Kills it as a power cut would, with its data left as it is. */
  kill(): Promise<void>;
  /** Starts it again on the same port and the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

export interface LaunchOptions extends SpawnOptions {
  readonly args: readonly string[];
  readonly port: number;
}

/** Starts a server's program and waits until its port answers. */
export async function launch(
  command: string,
  { args, port, ...options }: LaunchOptions,
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  leash(child);
  let output = '';
  child.stdout?.on('data', text => {
    output += text;
  });
  child.stderr?.on('data', text => {
    output += text;
  });
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`${command} did not start:\n${output}`);
    await sleep(20);
  }
  return child;
}

/** Kills a process, and waits for its end. */
export async function killed(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
