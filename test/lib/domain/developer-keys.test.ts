import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readDeveloperKeys } from '../../../lib/domain/developer-keys.ts';

const INTUIT = 'https://developer.intuit.com (your app, Keys & credentials, Development)';
const XERO = 'https://developer.xero.com/app/manage (your app, Configuration)';

/** What was read, with the secrets opened. */
function read(...given: Parameters<typeof readDeveloperKeys>) {
  const { keys, problems } = readDeveloperKeys(...given);
  const opened = Object.entries(keys).map(([provider, { clientId, clientSecret }]) => [
    provider,
    clientId,
    clientSecret.open(),
  ]);
  return { opened, problems };
}

describe('the keys of a developer', () => {
  test('of one provider are enough, and blanks around them are not part of them', () => {
    expect(read({ XERO_CLIENT_ID: ' id ', XERO_CLIENT_SECRET: 'secret\n' })).toEqual({
      opened: [['xero', 'id', 'secret']],
      problems: [],
    });
  });

  test('of both are both read', () => {
    const variables = {
      QBO_CLIENT_ID: 'a',
      QBO_CLIENT_SECRET: 'b',
      XERO_CLIENT_ID: 'c',
      XERO_CLIENT_SECRET: 'd',
    };
    expect(read(variables).opened).toEqual([
      ['quickbooks', 'a', 'b'],
      ['xero', 'c', 'd'],
    ]);
    expect(read(variables, ['xero']).opened).toEqual([['xero', 'c', 'd']]);
  });

  test('are all named when there are none', () => {
    expect(read({ QBO_CLIENT_ID: '' })).toEqual({
      opened: [],
      problems: [
        `QBO_CLIENT_ID and QBO_CLIENT_SECRET are not set: ${INTUIT}`,
        `XERO_CLIENT_ID and XERO_CLIENT_SECRET are not set: ${XERO}`,
      ],
    });
  });

  test('are a problem where half a pair is missing or malformed, all told together and never quoted', () => {
    const told = readDeveloperKeys({
      QBO_CLIENT_ID: 'with space',
      QBO_CLIENT_SECRET: 'hush-hush'.repeat(40),
      XERO_CLIENT_SECRET: 'hush',
    });
    expect(told).toEqual({
      keys: {},
      problems: [
        'QBO_CLIENT_ID is too long for a key, or holds characters that no key has',
        'QBO_CLIENT_SECRET is too long for a key, or holds characters that no key has',
        `XERO_CLIENT_ID is not set: ${XERO}`,
      ],
    });
  });

  test('do not show their secret', () => {
    expect(inspect(readDeveloperKeys({ XERO_CLIENT_ID: 'id', XERO_CLIENT_SECRET: 'hush-hush' }))).not.toContain('hush');
  });
});
