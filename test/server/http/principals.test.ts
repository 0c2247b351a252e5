import { describe, expect, test } from 'vitest';
import { authenticate, parseTokenFile, parseTokens } from '../../../src/server/http/principals.js';

const TOKEN = 'abcdefghijklmnop';

test('a token file has one entry a line, comments and empty lines', () => {
  expect(parseTokenFile(`# ours\r\n\nada=${TOKEN}\n  bare-token-1234567 \n#old\n`)).toEqual([
    `ada=${TOKEN}`,
    'bare-token-1234567',
  ]);
});

describe('parseTokens', () => {
  test.each([
    [`ada=${TOKEN}`, 'ada'],
    [`ada@host.example=${TOKEN}==`, 'ada@host.example'],
    [TOKEN, expect.stringMatching(/^token-[0-9a-f]{32}$/)],
    [`${TOKEN}==`, expect.stringMatching(/^token-[0-9a-f]{32}$/)],
  ])('%s belongs to %s', (entry, principal) => {
    expect(parseTokens([entry])).toEqual([{ principal, digest: expect.any(Buffer) }]);
  });

  test('keeps the principal of a bare token over a restart, and none of the token in it', () => {
    const [first, second] = [parseTokens([TOKEN]), parseTokens([TOKEN])];
    expect(first).toEqual(second);
    expect(JSON.stringify(first)).not.toContain(TOKEN);
  });

  test.each<[string[], string]>([
    [['short'], 'Token 1 is too short: expected at least 16 characters, got 5'],
    [[TOKEN, 'ada=tooshort'], 'Token 2 is too short: expected at least 16 characters, got 8'],
    [[''], 'Token 1 is too short: expected at least 16 characters, got 0'],
    [['ada=with a space inside'], 'Token 1 cannot be sent in a header'],
    [[`ada=${TOKEN}`, `bob=${TOKEN}`], 'Token 2 is the same as token 1'],
  ])('refuses %j without repeating it', (entries, message) => {
    expect(() => parseTokens(entries)).toThrow(message);
    expect(() => parseTokens(entries)).not.toThrow(TOKEN);
  });
});

describe('authenticate', () => {
  const known = parseTokens([`ada=${TOKEN}`, `ada=${TOKEN}-next`, `bob=${TOKEN}-bob`]);

  test.each<[string | undefined, string | undefined]>([
    [`Bearer ${TOKEN}`, 'ada'],
    [`bearer   ${TOKEN}-next `, 'ada'],
    [`Bearer ${TOKEN}-bob`, 'bob'],
    [`Bearer ${TOKEN}-eve`, undefined],
    [`Bearer ada=${TOKEN}`, undefined],
    [`Basic ${TOKEN}`, undefined],
    [`Bearer ${TOKEN} ${TOKEN}`, undefined],
    ['Bearer ', undefined],
    [undefined, undefined],
  ])('%s is %s', (header, principal) => {
    expect(authenticate(header, known)).toBe(principal);
  });

  test('everybody is local where there are no tokens', () => {
    expect(authenticate(undefined, [])).toBe('local');
  });
});
