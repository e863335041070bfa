import { expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { basicAuthorization } from '../../../lib/oauth/client-auth.ts';

test.for([
  ['basic_raw', 'i d:ü+/=%'],
  ['basic_formencoded', 'i+d:%C3%BC%2B%2F%3D%25'],
] as const)('%s joins id and secret to %s', ([kind, expected]) => {
  const header = basicAuthorization(kind, { clientId: 'i d', clientSecret: new Secret('ü+/=%') });
  expect(header.slice(0, 6)).toBe('Basic ');
  expect(Buffer.from(header.slice(6), 'base64').toString('utf8')).toBe(expected);
});
