import { afterAll, beforeAll, expect } from 'vitest';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { describeEngine } from '../conformance.js';
import { bullmqFixture } from './conformance-fixture.js';

// pg warns once of what its next version refuses, such as a statement that is sent while another is under way.
const warnings: string[] = [];
const onWarning = ({ name, message }: Error) => void warnings.push(`${name}: ${message}`);

beforeAll(() => void process.on('warning', onWarning));

afterAll(() => {
  process.off('warning', onWarning);
  expect(warnings.filter(warning => warning.startsWith('DeprecationWarning'))).toEqual([]);
});

for (const name of SERVICE_NAMES) {
  describeWith(name, `with ${name}`, service => {
    describeEngine(`bullmq, on ${name}`, bullmqFixture(service));
  });
}
