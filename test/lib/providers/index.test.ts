import { describe, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { isLoopbackHost, PROVIDERS, providerHosts } from '../../../lib/providers/index.ts';

describe('the provider hosts', () => {
  test('QuickBooks differs between sandbox and production only in the API', () => {
    expect(providerHosts('quickbooks', 'sandbox')).toEqual({
      authorize: 'https://appcenter.intuit.com',
      token: 'https://oauth.platform.intuit.com',
      revoke: 'https://developer.api.intuit.com',
      api: 'https://sandbox-quickbooks.api.intuit.com',
    });
    expect(providerHosts('quickbooks', 'production').api).toBe('https://quickbooks.api.intuit.com');
  });

  test('Xero has the same hosts on both sides', () => {
    const hosts = {
      authorize: 'https://login.xero.com',
      token: 'https://identity.xero.com',
      revoke: 'https://identity.xero.com',
      api: 'https://api.xero.com',
    };
    expect(providerHosts('xero', 'sandbox')).toEqual(hosts);
    expect(providerHosts('xero', 'production')).toEqual(hosts);
  });

  test.for([
    ['http://localhost:9001', 'http://localhost:9001'],
    ['http://127.0.0.1:9001/', 'http://127.0.0.1:9001'],
    ['https://localhost', 'https://localhost'],
    ['http://[::1]:80', 'http://[::1]'],
  ] as const)('a local origin %s replaces all four hosts of its provider', ([origin, normal]) => {
    const origins = { quickbooks: origin };
    expect(providerHosts('quickbooks', 'sandbox', origins)).toEqual({
      authorize: normal,
      token: normal,
      revoke: normal,
      api: normal,
    });
    expect(providerHosts('xero', 'sandbox', origins).token).toBe('https://identity.xero.com');
  });

  test.for([
    'https://evil.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://user:pass@localhost:9001',
    'http://localhost:9001/path',
    'http://localhost:9001?x=1',
    'http://localhost:9001#x',
    'ftp://localhost',
    'http://0.0.0.0:9001',
    'http://169.254.169.254',
    'localhost:9001',
    '',
  ])('the origin "%s" is refused', (origin) => {
    expect(() => providerHosts('xero', 'sandbox', { xero: origin })).toThrow(
      new GrantkeeperError('configuration_missing', { field: 'origins.xero' }),
    );
  });

  test.for([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['[::1]', true],
    ['128.0.0.1', false],
    ['0127.0.0.1.example', false],
    ['localhost.example', false],
    ['[::]', false],
  ] as const)('%s is loopback: %s', ([host, expected]) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});

describe('the descriptors', () => {
  test('hold the times of providers.md', () => {
    const times = ({ rotation, lifetimes, margins, throttleSeconds }: (typeof PROVIDERS)['xero']) => ({
      rotation,
      lifetimes,
      margins,
      throttleSeconds,
    });
    const margins = { refreshAheadSeconds: 1800, onDemandSeconds: 300, keepAliveSeconds: 1_209_600 };
    expect(times(PROVIDERS.quickbooks)).toEqual({
      rotation: { kind: 'periodic', graceSeconds: 0 },
      lifetimes: { accessSeconds: 3600, refreshIdleSeconds: 8_640_000, hardSeconds: 157_680_000 },
      margins,
      throttleSeconds: 60,
    });
    expect(times(PROVIDERS.xero)).toEqual({
      rotation: { kind: 'every_use', graceSeconds: 1800 },
      lifetimes: { accessSeconds: 1800, refreshIdleSeconds: 5_184_000 },
      margins,
      throttleSeconds: 60,
    });
  });

  test('ask for offline access where the provider wants it asked for', () => {
    expect(PROVIDERS.quickbooks.scopes).toEqual(['com.intuit.quickbooks.accounting']);
    expect(PROVIDERS.xero.scopes).toEqual([
      'openid',
      'profile',
      'email',
      'offline_access',
      'accounting.invoices',
      'accounting.contacts',
      'accounting.settings',
    ]);
  });

  test('are registered under their own id', () => {
    expect(Object.entries(PROVIDERS).map(([id, { id: own }]) => [id, own])).toEqual([
      ['quickbooks', 'quickbooks'],
      ['xero', 'xero'],
    ]);
  });
});
