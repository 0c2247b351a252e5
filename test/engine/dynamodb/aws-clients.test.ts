import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openAwsClients } from '../../../src/engine/dynamodb/aws-clients.js';
import { AWS_PACKAGES } from '../../../src/engine/dynamodb/packages.js';
import { parseStoreUrl } from '../../../src/engine/store-url.js';

const major = Number.parseInt(process.versions.node, 10);

test('the clients open without a word about the version of Node, and leave the environment as it was', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  const before = { ...process.env };
  process.on('warning', note);
  try {
    const location = parseStoreUrl('dynamodb://tasks?queue=tasks&region=eu-central-1');
    if (location.kind !== 'dynamodb') throw new Error(location.kind);
    using clients = openAwsClients(location);
    expect(await clients.sqs.config.region()).toBe('eu-central-1');
    // A warning is told in a later turn.
    await setImmediate();
  } finally {
    process.off('warning', note);
  }
  expect(warnings).toEqual([]);
  expect({ ...process.env }).toEqual(before);
});

test.runIf(major < 22)('below Node 22, a version is asked for that runs there', () => {
  expect(AWS_PACKAGES).toEqual(['@aws-sdk/client-dynamodb@3.1164', '@aws-sdk/client-sqs@3.1164']);
});
