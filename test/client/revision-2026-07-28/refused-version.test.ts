import { expect, test } from 'vitest';
import { versionsAfter } from '../../../src/client/revision-2026-07-28/discovery.js';

const LATEST = '2025-11-25';
const rest = ['2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];

test.each([
  [
    'names those it has in its data',
    {
      code: -32602,
      message: 'Unsupported protocol version',
      data: { supported: ['2024-11-05', '2025-03-26'] },
    },
    [LATEST],
    ['2025-03-26', '2024-11-05'],
  ],
  [
    'names those it has in its words',
    { message: 'Bad Request: Unsupported protocol version (supported versions: 2025-06-18, 2024-11-05)' },
    [LATEST],
    ['2025-06-18', '2024-11-05'],
  ],
  ['names none', { message: 'protocolVersion is not supported' }, [LATEST], rest],
  ['names only the one that was sent', { message: `Unsupported version: ${LATEST}` }, [LATEST], rest],
  ['has the code of versions', { code: -32022, message: 'no' }, [LATEST], rest],
  ['names one that is not spoken here', { code: -32022, message: 'only 2031-01-01 is' }, [LATEST], []],
  [
    'is about something else',
    { code: -32603, message: 'The database is away since 2025-06-18' },
    [LATEST],
    [],
  ],
  ['comes after all were tried', { message: 'unsupported protocol version' }, [LATEST, ...rest], []],
])('a refusal that %s', (_what, refusal, tried, versions) => {
  expect(versionsAfter(refusal, tried)).toEqual(versions);
});
