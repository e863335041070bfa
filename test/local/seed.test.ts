import { describe, expect, test } from 'vitest';
import { createClients, secretValues, simulatorCredentials } from '../../local/seed.ts';

const secret = (name: string, properties: Record<string, unknown> = {}) => ({ name, arn: `arn:${name}`, properties });

describe('the secrets of a run', () => {
  const clients = createClients();

  test('client secrets are those that the simulators know, and the other side’s exist too', () => {
    const name = 'grantkeeper/local/xero/sandbox/client';
    expect(JSON.parse(secretValues([secret(name)], clients).get(name) ?? '')).toEqual(clients.xero.sandbox);
    expect(simulatorCredentials(clients, 'sandbox').xero).toEqual({
      ...clients.xero.sandbox,
      others: [clients.xero.production],
    });
    expect(clients.xero.sandbox).not.toEqual(clients.xero.production);
  });

  test('others are generated as the template says', () => {
    const values = secretValues(
      [
        secret('keys', {
          GenerateSecretString: { SecretStringTemplate: '{"id":"1"}', GenerateStringKey: 'key', PasswordLength: 43 },
        }),
        secret('password', { GenerateSecretString: {} }),
        secret('given', { SecretString: 'as it is' }),
      ],
      clients,
    );
    expect(JSON.parse(values.get('keys') ?? '')).toEqual({ id: '1', key: expect.stringMatching(/^[A-Za-z0-9]{43}$/) });
    expect(values.get('password')).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(values.get('given')).toBe('as it is');
  });

  test('a secret without a value stops the start', () => {
    expect(() => secretValues([secret('empty')], clients)).toThrow('the template gives the secret empty no value');
  });
});
