import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchedPackages } from '../conformance/fetched-packages.mjs';
import { freePort } from '../fixtures/free-port.js';
import { ENVIRONMENT, PACKAGES } from './emulator-packages.mjs';
import { killed, launch, type Service } from './service-process.js';

/** Emulators of DynamoDB and SQS, which keep what they have acknowledged, also when they are killed. */
export interface AwsServices {
  readonly dynamodb: Service;
  readonly sqs: Service;
  /** The URL of a store whose table and queue have a name. */
  storeUrl(name: string, endpoints?: AwsEndpoints): string;
  /** Of both, as those of `Service`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export interface AwsEndpoints {
  readonly dynamodb?: string;
  readonly sqs?: string;
}

export async function startAws(): Promise<AwsServices> {
  Object.assign(process.env, ENVIRONMENT);
  const packages = await fetchedPackages(PACKAGES);
  const [dynamodb, sqs] = await Promise.all([
    startEmulator('dynamodb-emulator.mjs', packages),
    startEmulator('sqs-emulator.mjs', packages),
  ]);
  const both = (action: 'kill' | 'start' | 'remove') => async () => {
    await Promise.all([dynamodb[action](), sqs[action]()]);
  };
  return {
    dynamodb,
    sqs,
    storeUrl(name, endpoints = {}) {
      const query = new URLSearchParams({
        queue: name,
        endpoint: endpoints.dynamodb ?? dynamodb.url,
        sqsEndpoint: endpoints.sqs ?? sqs.url,
      });
      return `dynamodb://${name}?${query}`;
    },
    kill: both('kill'),
    start: both('start'),
    remove: both('remove'),
  };
}

async function startEmulator(
  script: string,
  { node, folder: packages }: { readonly node: string; readonly folder: string },
): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-aws-'));
  const port = await freePort();
  const path = fileURLToPath(new URL(script, import.meta.url));
  let child: ChildProcess | undefined;
  const service: Service = {
    url: `http://127.0.0.1:${port}`,
    async start() {
      child = await launch(node, { args: [path, packages, String(port), join(folder, 'data')], port });
    },
    kill: () => killed(child, 'SIGKILL'),
    async remove() {
      await killed(child, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
  await service.start();
  return service;
}
