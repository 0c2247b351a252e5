import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors.js';
import { parseSecrets, readWebhookOptions } from '../../../src/server/webhooks/webhook-options.js';

const secretOf = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

describe('the secret of webhooks', () => {
  it.each([24, 32, 64])('may have %i bytes', bytes => {
    expect(parseSecrets(secretOf(bytes))).toHaveLength(1);
  });

  it('may be several, parted by white space', () => {
    expect(parseSecrets(` ${secretOf(24)}  ${secretOf(32)}\n`)).toHaveLength(2);
  });

  it.each([
    ['without its prefix', 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0', 'does not begin with `whsec_`'],
    ['that is no Base64', 'whsec_not*base64*not*base64*not*base64', 'is no Base64'],
    ['of nothing', 'whsec_', 'is no Base64'],
    ['that was cut', secretOf(32).slice(0, -1), 'is no Base64'],
    ['that can be guessed', secretOf(23), 'has 23 bytes, which is too short'],
    ['that is too long', secretOf(65), 'has 65 bytes, which is too long'],
  ])('%s is refused and not repeated', (_case, bad, problem) => {
    const parse = () => parseSecrets(`${secretOf(24)} ${bad}`);
    expect(parse).toThrow(ConfigurationError);
    expect(parse).toThrow(`Webhook secret 2 ${problem}`);
    if (bad !== 'whsec_') expect(parse).not.toThrow(bad);
  });
});

describe('webhooks', () => {
  it('are off without a secret', () => {
    expect(readWebhookOptions(undefined, {})).toBeUndefined();
    expect(readWebhookOptions(undefined, { MCP_AWAIT_WEBHOOK_SECRET: '' })).toBeUndefined();
  });

  it('are on with the secret of the environment, or with that of the options', () => {
    expect(readWebhookOptions(undefined, { MCP_AWAIT_WEBHOOK_SECRET: secretOf(24) })?.keys).toHaveLength(1);
    expect(readWebhookOptions({ secret: secretOf(24) }, {})?.keys).toHaveLength(1);
  });

  it('allow neither private addresses nor plain HTTP unless they are told to', () => {
    expect(readWebhookOptions({ secret: secretOf(24) }, {})?.policy).toEqual({
      allowedHosts: undefined,
      allowPrivate: false,
      allowHttp: false,
    });
  });

  it.each([{ allowedHosts: ['a.example'] }, { secret: '' }, { secret: ' ' }])(
    'with %j lack a secret',
    options => {
      expect(() => readWebhookOptions(options, {})).toThrow(
        /Webhooks need a secret: set .*--webhook-secret-file/,
      );
    },
  );
});
