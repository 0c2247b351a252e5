import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors.js';
import { destinationRefusal, parseHostPattern } from '../../../src/server/webhooks/destination.js';

const STRICT = { allowedHosts: undefined, allowPrivate: false, allowHttp: false };

function refusal(
  url: string,
  policy: { hosts?: string[]; allowPrivate?: boolean; allowHttp?: boolean } = {},
) {
  const { hosts, ...rest } = policy;
  return destinationRefusal(url, { ...STRICT, allowedHosts: hosts?.map(parseHostPattern), ...rest });
}

describe('a webhook URL', () => {
  it.each(['https://hooks.example.com/in?token=1', 'https://1.1.1.1:8443/', 'https://[2606:4700::1111]/'])(
    '%s may be told',
    url => {
      expect(refusal(url)).toBeUndefined();
    },
  );

  it.each<[string, string]>([
    ['hooks.example.com/secret', 'it is no absolute URL'],
    ['http://hooks.example.com/secret', 'expected an https URL, got http:'],
    ['file:///secret', 'expected an https URL, got file:'],
    ['https://ada:secret@hooks.example.com/', 'the URL has a user name or password'],
    ['https://secret@hooks.example.com/', 'the URL has a user name or password'],
    [`https://hooks.example.com/secret/${'x'.repeat(2048)}`, 'the URL is longer than 2048 characters'],
    ['https://127.0.0.1/secret', '127.0.0.1 is not on the public internet (loopback)'],
    ['https://2130706433/secret', '127.0.0.1 is not on the public internet (loopback)'],
    ['https://10.1.2.3/secret', '10.1.2.3 is not on the public internet (private)'],
    ['https://169.254.169.254/secret', '169.254.169.254 is not on the public internet (linkLocal)'],
    ['https://[::1]/secret', '[::1] is not on the public internet (loopback)'],
    ['https://[::ffff:10.0.0.1]/secret', 'is not on the public internet'],
    ['https://localhost/secret', 'localhost is not on the public internet (loopback)'],
    ['https://LOCALHOST./secret', 'localhost. is not on the public internet (loopback)'],
    ['https://app.localhost/secret', 'app.localhost is not on the public internet (loopback)'],
  ])('%s is refused', (url, reason) => {
    expect(refusal(url)).toContain(reason);
    expect(refusal(url)).not.toContain('secret');
  });

  it('may be private or plain where the operator allows it, one without the other', () => {
    expect(refusal('https://10.1.2.3/', { allowPrivate: true })).toBeUndefined();
    expect(refusal('http://hooks.example.com/', { allowHttp: true })).toBeUndefined();
    expect(refusal('http://10.1.2.3/', { allowPrivate: true })).toContain('expected an https URL');
    expect(refusal('http://10.1.2.3/', { allowHttp: true })).toContain('(private)');
    expect(refusal('ftp://hooks.example.com/', { allowHttp: true })).toContain(
      'an https or http URL, got ftp:',
    );
  });
});

describe('the list of webhook hosts', () => {
  it.each<[string, string, boolean]>([
    ['hooks.example.com', 'https://hooks.example.com/', true],
    ['hooks.example.com', 'https://HOOKS.example.com./', true],
    ['hooks.example.com', 'https://hooks.example.com:8443/', true],
    ['hooks.example.com', 'https://example.com/', false],
    ['hooks.example.com', 'https://x.hooks.example.com/', false],
    ['hooks.example.com', 'https://hooks.example.com.evil.org/', false],
    ['Hooks.Example.com', 'https://hooks.example.com/', true],
    ['*.example.com', 'https://hooks.example.com/', true],
    ['*.example.com', 'https://a.b.example.com/', true],
    ['*.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://badexample.com/', false],
    ['hooks.example.com:8443', 'https://hooks.example.com:8443/', true],
    ['hooks.example.com:8443', 'https://hooks.example.com/', false],
    ['hooks.example.com:443', 'https://hooks.example.com/', true],
    ['hooks.example.com:443', 'https://hooks.example.com:8443/', false],
    ['*.example.com:8443', 'https://a.example.com:8443/', true],
    ['bücher.example', 'https://xn--bcher-kva.example/', true],
    ['1.1.1.1', 'https://1.1.1.1/', true],
  ])('%s lets %s through: %s', (pattern, url, through) => {
    const reason = refusal(url, { hosts: ['other.example', pattern] });
    if (through) expect(reason).toBeUndefined();
    else expect(reason).toContain("is not on the operator's list of webhook hosts");
  });

  it('does not make a private address public', () => {
    expect(refusal('https://10.0.0.5/', { hosts: ['10.0.0.5'] })).toContain('(private)');
  });

  it('that is empty lets nothing through', () => {
    expect(refusal('https://hooks.example.com/', { hosts: [] })).toContain('list of webhook hosts');
  });

  it.each([
    '',
    '*',
    '*.',
    'https://hooks.example.com',
    'a.example/path',
    'ada@a.example',
    'a.*.example',
    'a b',
    '*.*.example',
  ])('may not hold %j', pattern => {
    expect(() => parseHostPattern(pattern)).toThrow(ConfigurationError);
    expect(() => parseHostPattern(pattern)).toThrow(JSON.stringify(pattern));
  });
});
