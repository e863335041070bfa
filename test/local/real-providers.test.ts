import { describe, expect, test } from 'vitest';
import { Secret } from '../../lib/domain/secret.ts';
import { createClock } from '../../local/clock.ts';
import { openProviders, redirectUriOf } from '../../local/real-providers.ts';

const SECRETS = ['quickbooks/sandbox/client', 'xero/sandbox/client', 'state-keys'].map((name) => ({
  name: `grantkeeper/local/${name}`,
  arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-aaaaaa`,
  properties: { GenerateSecretString: { SecretStringTemplate: '{"id":"1"}', GenerateStringKey: 'key' } },
}));

const keys = { quickbooks: { clientId: 'an-id', clientSecret: new Secret('a-secret-of-nobody') } };

describe('real providers', () => {
  test('have the keys that were given, and no value where none were, so that a read fails as on AWS', async () => {
    const side = await openProviders({ kind: 'real', keys }, createClock());
    const values = side.secretValues(SECRETS);
    expect([...values.keys()]).toEqual(['grantkeeper/local/quickbooks/sandbox/client', 'grantkeeper/local/state-keys']);
    expect(values.get('grantkeeper/local/quickbooks/sandbox/client')).toBe(
      '{"clientId":"an-id","clientSecret":"a-secret-of-nobody"}',
    );
    expect([side.real, side.origins]).toEqual([['quickbooks'], undefined]);
  });

  test('have no simulators beside them', async () => {
    const { simulators } = await openProviders({ kind: 'real', keys }, createClock());
    expect([simulators.ledger(), simulators.issuedSecrets()]).toEqual([[], []]);
    expect(() => simulators.origins).toThrow('no simulators are running: the providers are real');
    await simulators.stop();
  });

  test('are told their redirect URI as the API’s callback', () => {
    expect(redirectUriOf('http://localhost:8080/api', 'xero')).toBe('http://localhost:8080/api/v1/oauth/xero/callback');
  });
});

test('simulated providers say where they are, and know the keys in the secrets', async () => {
  const side = await openProviders({ kind: 'simulated' }, createClock());
  const values = side.secretValues(SECRETS);
  expect([...values.keys()]).toEqual(SECRETS.map(({ name }) => name));
  expect([side.real, side.origins]).toEqual([[], side.simulators.origins]);
  for (const provider of ['quickbooks', 'xero']) {
    const { clientSecret } = JSON.parse(values.get(`grantkeeper/local/${provider}/sandbox/client`) ?? '{}');
    expect(side.simulators.issuedSecrets()).toContain(clientSecret);
  }
  await side.simulators.stop();
});
