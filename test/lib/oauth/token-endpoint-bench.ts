import { afterEach } from 'vitest';
import type { ProviderId } from '../../../lib/domain/names.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import { createTokenEndpoint } from '../../../lib/oauth/token-endpoint.ts';
import { type Behaviour, type FakeTokenEndpoint, startFakeTokenEndpoint } from '../../support/fake-token-endpoint.ts';

export const NOW = 1_795_176_000_000;
export const CLIENT = { clientId: 'client-id', clientSecret: new Secret('s3cr3t-of+the/client=') };
export const REFRESH_TOKEN = 'RT1-104-H0-sent+and/secret==';
const CODE = 'AB11-code-sent';
export const ACCESS_TOKEN = 'eyJ.issued-access-token';
export const NEW_REFRESH_TOKEN = 'RT1-105-H0-issued';
export const SECRETS = [REFRESH_TOKEN, CODE, ACCESS_TOKEN, NEW_REFRESH_TOKEN, CLIENT.clientSecret.open()];
export const ISSUED = {
  token_type: 'bearer',
  access_token: ACCESS_TOKEN,
  expires_in: 3600,
  refresh_token: NEW_REFRESH_TOKEN,
  x_refresh_token_expires_in: 8_726_400,
  x_refresh_token_hard_expires_in: 156_032_154,
};

const started: FakeTokenEndpoint[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
});

/** The real client against a fake that behaves as told, with limits of some 100 ms; stopped after each test. */
export async function serve(...behaviours: [Behaviour, ...Behaviour[]]) {
  const fake = await startFakeTokenEndpoint(behaviours);
  started.push(fake);
  return { fake, ...clientOf(fake.origin) };
}

/** The real client of an origin. */
export function clientOf(origin: string) {
  const endpoint = createTokenEndpoint({
    hosts: () => ({ authorize: origin, token: origin, revoke: origin, api: origin }),
    now: () => NOW,
    limits: { connectMs: 300, answerMs: 150 },
  });
  return {
    refresh: (provider: ProviderId = 'quickbooks') =>
      endpoint.refresh({ provider, client: CLIENT, refreshToken: new Secret(REFRESH_TOKEN) }),
    exchange: (provider: ProviderId = 'quickbooks') =>
      endpoint.exchange({
        provider,
        client: CLIENT,
        code: new Secret(CODE),
        redirectUri: 'https://app.example/api/v1/oauth/xero/callback?a=b',
      }),
    probe: (provider: ProviderId = 'quickbooks') => endpoint.probe({ provider, client: CLIENT }),
    revoke: (provider: ProviderId = 'quickbooks') =>
      endpoint.revoke({ provider, client: CLIENT, token: new Secret(REFRESH_TOKEN) }),
  };
}

/** A 200. */
export function ok(body: unknown, headers: Record<string, string> = {}): Behaviour {
  return { kind: 'answer', status: 200, body, headers };
}
