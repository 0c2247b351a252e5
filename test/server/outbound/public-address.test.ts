import { describe, expect, test } from 'vitest';
import {
  mayBePrivate,
  type RequestPolicy,
  urlRefusal,
} from '../../../src/server/operations/request-policy.js';
import { nonPublicRange } from '../../../src/server/outbound/public-address.js';

const STRICT: RequestPolicy = { allowPrivate: false, allowHosts: [], maxResponseBytes: 1000 };

describe('nonPublicRange', () => {
  test.each(['1.1.1.1', '93.184.216.34', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])(
    '%s is public',
    address => {
      expect(nonPublicRange(address)).toBeUndefined();
    },
  );

  test.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'linkLocal'],
    ['172.16.0.1', 'private'],
    ['192.0.0.8', 'reserved'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'ipv4Mapped'],
    ['::7f00:1', 'reserved'],
    ['::ffff:127.0.0.1', 'ipv4Mapped'],
    ['::ffff:8.8.8.8', 'ipv4Mapped'],
    ['64:ff9b::7f00:1', 'rfc6052'],
    ['64:ff9b:1::7f00:1', 'rfc6052'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:4136:e378::', 'teredo'],
    ['2001:db8::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['fc00::1', 'uniqueLocal'],
    ['fe80::1', 'linkLocal'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['ff02::1', 'multicast'],
    ['168.63.129.16', 'cloudMetadata'],
    ['192.80.8.124', 'cloudMetadata'],
    ['not an address', 'unreadable'],
    ['', 'unreadable'],
  ])('%s is %s', (address, range) => {
    expect(nonPublicRange(address)).toBe(range);
  });
});

test.each([
  ['AWS, GCP, Azure, DigitalOcean, Hetzner, OpenStack, Vultr', '169.254.169.254'],
  ['AWS over IPv6', 'fd00:ec2::254'],
  ['AWS ECS', '169.254.170.2'],
  ['AWS EKS', '169.254.170.23'],
  ['AWS EKS over IPv6', 'fd00:ec2::23'],
  ['GCP over IPv6', 'fd20:ce::254'],
  ['the host of an Azure machine', '168.63.129.16'],
  ['Alibaba', '100.100.100.200'],
  ['Oracle', '192.0.0.192'],
  ['Tencent', '169.254.0.23'],
  ['Scaleway', '169.254.42.42'],
  ['Scaleway over IPv6', 'fd00:42::42'],
  ['OpenStack over IPv6', 'fe80::a9fe:a9fe'],
  ['Equinix Metal', '192.80.8.124'],
])('the metadata of %s, %s, are not public', (_, address) => {
  expect(nonPublicRange(address)).toBeDefined();
});

describe('urlRefusal', () => {
  test.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://0.0.0.0/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://127.1/',
    'http://127.0.0.1./',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
  ])('refuses %s', url => {
    expect(urlRefusal(new URL(url), STRICT)).toContain('not on the public internet');
    expect(urlRefusal(new URL(url), { ...STRICT, allowPrivate: true })).toBeUndefined();
  });

  test('leaves names to the lookup', () => {
    expect(urlRefusal(new URL('http://localhost/'), STRICT)).toBeUndefined();
  });

  test.each(['ftp://example.com/', 'file:///etc/passwd', 'data:text/plain,x'])('refuses %s', url => {
    expect(urlRefusal(new URL(url), { ...STRICT, allowPrivate: true })).toContain(
      'Expected an http or https URL',
    );
  });

  test('refuses user name and password without repeating them', () => {
    const refusal = urlRefusal(new URL('http://ada:secret@example.com/'), STRICT);
    expect(refusal).toContain('Authorization header');
    expect(refusal).not.toContain('secret');
  });
});

test.each<[string, string[], boolean]>([
  ['http://ci.internal/', ['ci.internal'], true],
  ['http://ci.internal:8080/', ['ci.internal'], true],
  ['http://CI.internal./', ['Ci.Internal'], true],
  ['http://ci.internal:8080/', ['ci.internal:8080'], true],
  ['http://ci.internal:8081/', ['ci.internal:8080'], false],
  ['https://ci.internal/', ['ci.internal:443'], true],
  ['http://[::1]:8080/', ['[::1]:8080'], true],
  ['http://[::1]/', ['::1'], true],
  ['http://evil.ci.internal/', ['ci.internal'], false],
  ['http://ci.internal.evil.com/', ['ci.internal'], false],
])('%s with the allowed hosts %j may be private: %s', (url, allowHosts, expected) => {
  expect(mayBePrivate(new URL(url), { ...STRICT, allowHosts })).toBe(expected);
});
