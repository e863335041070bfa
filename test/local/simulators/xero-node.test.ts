import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClock } from '../../../local/clock.ts';
import { ACCOUNTANT_ID, ACME_TENANT, Bench, BIRCH_TENANT, XERO } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  // The client compares token times with its own clock.
  bench = await Bench.start({ clock: createClock() });
});
afterAll(() => bench.stop());

const PRELOAD = fileURLToPath(new URL('../../support/xero-preload.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('./xero-node-client.ts', import.meta.url));

test('the official xero-node connects, refreshes, reads organisations, disconnects and revokes', async () => {
  const form: [string, string][] = [
    ['decision', 'allow'],
    ['user', 'accountant'],
    ['tenant', ACME_TENANT],
    ['tenant', BIRCH_TENANT],
  ];
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', PRELOAD, CLIENT], {
    timeout: 15_000,
    env: {
      PATH: process.env.PATH,
      XERO_SIMULATOR: bench.xero,
      XERO_CLIENT_ID: XERO.clientId,
      XERO_CLIENT_SECRET: XERO.clientSecret,
      CONSENT_FORM: new URLSearchParams(form).toString(),
    },
  });
  expect(JSON.parse(stdout)).toEqual({
    claims: { sub: ACCOUNTANT_ID.replaceAll('-', ''), iss: 'https://identity.xero.com' },
    tenants: [
      ['Acme Trading', 'Acme Trading'],
      ['Birch Bakery', 'Birch Bakery'],
    ],
    rotated: 3,
    tokenType: 'Bearer',
    left: ['Birch Bakery'],
    afterRevocation: [],
    staleRefresh: 'invalid_grant',
    otherHost: 'refused: https request to example.com',
    plainOtherHost: 'refused: connection to 192.0.2.1',
  });
  expect(bench.ledger().map(({ endpoint, outcome, status }) => [endpoint, outcome, status])).toEqual([
    ['token', 'ok', 200],
    ['token', 'ok', 200],
    ['token', 'ok', 200],
    ['connections', 'ok', 204],
    ['revoke', 'ok', 200],
    ['token', 'invalid_grant', 400],
  ]);
});
