import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROVIDERS } from '../../../lib/providers/index.ts';
import type { Plan } from '../../../ops/probe-sandbox/plan.ts';
import { QUICKBOOKS_PLAN } from '../../../ops/probe-sandbox/quickbooks.ts';
import type { Seen } from '../../../ops/probe-sandbox/seen.ts';
import { XERO_PLAN } from '../../../ops/probe-sandbox/xero.ts';
import { NO_OPTIONS } from './world.ts';

const PLANS: Readonly<Record<'quickbooks' | 'xero', Plan>> = { quickbooks: QUICKBOOKS_PLAN, xero: XERO_PLAN };

function seen(status: number, more: Partial<Seen> = {}): Seen {
  return { status, body: 'JSON', fields: [], seconds: {}, tookMs: 0, ...more };
}

/** Every step that a report has, and those that only other providers' behaviour brings. */
const STEPS = [
  ...['quickbooks', 'xero'].flatMap((name) => {
    const report = readFileSync(new URL(`reports/${name}.txt`, import.meta.url), 'utf8');
    return [...report.matchAll(/^ {2}saw {6}([^:]+):/gm)].map(([, step = '']) => step);
  }),
  'exchange with verifier',
  'refused',
  'refresh of the first after its grace',
];

const ok = seen(200);
const same = seen(200, { refreshToken: 'as sent' });
const rejected = seen(400, { error: 'invalid_grant' });
const outage = seen(503);
const cut: Seen = { failure: 'response_timeout', body: 'no body', fields: [], seconds: {}, tookMs: 45_000 };

/** The answer, then each verdict: what the simulators do not do, so that no report shows it. */
test.for([
  [
    'quickbooks keys',
    { 'our keys': seen(401, { error: 'invalid_client' }), 'a wrong secret': seen(404, { error: 'invalid_client' }) },
    ['Good keys get 401 invalid_client, a wrong secret 404 invalid_client.', 'contradicted', 'contradicted'],
  ],
  [
    'quickbooks keys',
    { 'our keys': rejected, 'a wrong secret': rejected },
    ['Good keys get 400 invalid_grant, a wrong secret 400 invalid_grant.', 'contradicted', 'open'],
  ],
  [
    'quickbooks hard-expiry',
    {
      exchange: seen(200, { seconds: { expires_in: 1800, x_refresh_token_expires_in: 8_640_000 } }),
      refresh: seen(200, { seconds: { x_refresh_token_hard_expires_in: 157_680_001 } }),
      'refresh without the header': outage,
    },
    [
      'not told on the exchange, told on a refresh that asks, not told on one that does not; a new refresh token is announced for 8640000 s.',
      'contradicted',
      'contradicted',
      'confirmed',
      'contradicted',
    ],
  ],
  [
    'quickbooks same-value',
    { refresh: same, 'refresh again': rejected },
    ['The values that came back were as sent, then none (400 invalid_grant to the second).', 'open', 'contradicted'],
  ],
  [
    'quickbooks rotation',
    { 'last time it was the same': { ...same, sentAgeMs: 3_600_000 }, refused: { ...rejected, sentAgeMs: 7_200_000 } },
    ['It was the same at 1 h 0 min, and refused at 2 h 0 min.', 'open'],
  ],
  [
    'quickbooks rotation',
    { 'first time it was new': seen(200, { refreshToken: 'new', sentAgeMs: 3_600_000 }) },
    ['It changed when the value was between 0 s and 1 h 0 min old.', 'contradicted'],
  ],
  [
    'quickbooks old-value',
    { 'the replaced value': rejected, 'the value that replaced it': rejected },
    [
      'The replaced value got 400 invalid_grant; the one that replaced it then got 400 invalid_grant.',
      'confirmed',
      'contradicted',
    ],
  ],
  [
    'quickbooks old-value',
    { 'the replaced value': cut, 'the value that replaced it': outage },
    [
      'The replaced value got no complete answer (response_timeout); the one that replaced it then got 503.',
      'open',
      'open',
    ],
  ],
  [
    'quickbooks reauthorise',
    { 'exchange without verifier': rejected, 'exchange with verifier': ok, 'refresh of the first': rejected },
    [
      'A code_challenge is not ignored: 400 invalid_grant without the verifier, 200 with it. After a second authorisation of the company by the same user (--other-user asks for another) the first has ended.',
      'contradicted',
      'confirmed',
    ],
  ],
  [
    'quickbooks revoke-form',
    { 'revoke as form': seen(415) },
    [
      'A form gets 415, a second one nothing. After it the API says nothing, and a refresh nothing.',
      'open',
      'open',
      'open',
    ],
  ],
  [
    'quickbooks revoke-form',
    {
      'revoke as form': ok,
      'API with the access token': ok,
      refresh: seen(401, { error: 'invalid_client' }),
      'revoke as form again': seen(404),
    },
    [
      'A form gets 200, a second one 404. After it the API says 200, and a refresh 401 invalid_client.',
      'contradicted',
      'contradicted',
      'contradicted',
    ],
  ],
  ['quickbooks code-age', { exchange: { ...ok, sentAgeMs: 59_000 } }, ['At 59 s a code is good.', 'open']],
  [
    'quickbooks revoke-json',
    { 'revoke as JSON': seen(400), 'revoke as JSON again': outage },
    ['JSON gets 400, a second time 503.', 'contradicted', 'open'],
  ],
  [
    'xero keys',
    { 'our keys': rejected, 'a wrong secret': seen(401, { error: 'invalid_client' }) },
    ['Good keys get 400 invalid_grant, a wrong secret 401 invalid_client.', 'confirmed', 'confirmed'],
  ],
  [
    'xero shape',
    { exchange: seen(200, { claims: ['xero_userid'] }), refresh: same },
    [
      'The refresh token that came back was as sent; an access token lives an untold number of s and has 1 of the two claims that we read.',
      'contradicted',
      'contradicted',
      'contradicted',
    ],
  ],
  [
    'xero reuse',
    {
      refresh: ok,
      'the same value again': ok,
      'and again': rejected,
      'the value of the first answer': ok,
      'the newest value': rejected,
    },
    [
      'The second use gets 200 (refresh token: none), a third 400 invalid_grant. Then the value of the first answer gets 200, and the newest 400 invalid_grant.',
      'confirmed',
      'contradicted',
      'contradicted',
    ],
  ],
  [
    'xero grace-end',
    { 'the value before both': ok, 'the newest value': ok },
    [
      'No: the old value gets 200 once the new one has been used; then the newest gets 200.',
      'contradicted',
      'confirmed',
    ],
  ],
  [
    'xero last-connection',
    { delete: seen(204), refresh: rejected, 'delete again': seen(403) },
    [
      'No: DELETE gets 204, an untold number are left, a refresh gets 400 invalid_grant, and DELETE a second time 403.',
      'contradicted',
      'contradicted',
    ],
  ],
  [
    'xero reauthorise',
    { 'refresh of the first': ok },
    ['The first authorisation gets 200 at once.', 'open', 'contradicted'],
  ],
  [
    'xero reauthorise',
    { 'refresh of the first': ok, 'refresh of the first after its grace': rejected },
    ['The first authorisation gets 200 at once, after the grace 400 invalid_grant.', 'confirmed', 'contradicted'],
  ],
  [
    'xero reauthorise',
    { 'refresh of the first': ok, 'refresh of the first after its grace': ok },
    ['The first authorisation gets 200 at once, after the grace 200.', 'contradicted', 'contradicted'],
  ],
] as const)('%s, %o', ([name, evidence, expected]) => {
  const [provider, id] = name.split(' ') as ['quickbooks' | 'xero', string];
  const experiment = PLANS[provider].experiments.find((one) => one.id === id);
  const judged = experiment?.judge(evidence, PROVIDERS[provider], NO_OPTIONS);
  expect([judged?.answer, ...(judged?.ours ?? []).map(({ verdict }) => verdict)]).toEqual(expected);
});

test('of another administrator it says so', () => {
  const experiment = QUICKBOOKS_PLAN.experiments.find(({ id }) => id === 'reauthorise');
  const evidence = { 'exchange without verifier': ok, 'refresh of the first': same };
  expect(experiment?.judge(evidence, PROVIDERS.quickbooks, { ...NO_OPTIONS, otherUser: true }).answer).toBe(
    'A code_challenge is ignored: a code is exchanged without its verifier. After a second authorisation of the company by another administrator the first works on.',
  );
});

test.for(['quickbooks', 'xero'] as const)(
  '%s: what risks nothing comes first, and nothing is decided by no answer',
  (provider) => {
    const { experiments } = PLANS[provider];
    const order = ['keys', 'harmless', 'ending'];
    const phases = experiments.map(({ phase }) => order.indexOf(phase));
    expect(phases).toEqual(phases.toSorted());
    for (const answer of [undefined, outage, seen(429), cut]) {
      const evidence = answer === undefined ? {} : Object.fromEntries(STEPS.map((step) => [step, answer]));
      const judged = experiments.flatMap((one) => one.judge(evidence, PROVIDERS[provider], NO_OPTIONS).ours);
      expect(judged.filter(({ verdict }) => verdict !== 'open')).toEqual([]);
    }
  },
);
