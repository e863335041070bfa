import { expect, test } from 'vitest';
import type { Authorisation } from '../../../ops/probe-sandbox/authorisation.ts';
import type { Lab, Listed } from '../../../ops/probe-sandbox/lab.ts';
import { NotSandbox } from '../../../ops/probe-sandbox/plan.ts';
import type { Seen } from '../../../ops/probe-sandbox/seen.ts';
import { XERO_PLAN } from '../../../ops/probe-sandbox/xero.ts';

const SEEN: Seen = { status: 200, body: 'JSON', fields: [], seconds: {}, tookMs: 0 };

/** What Xero's simulator does not have: organisations that are no demo companies. */
function labWith(listed: readonly Listed[] | undefined, bodies: Readonly<Record<string, unknown>>): Lab {
  const lab: Pick<Lab, 'listCompanies' | 'read'> = {
    listCompanies: async () => (listed === undefined ? { seen: SEEN } : { seen: SEEN, listed }),
    read: async (_authorisation, _path, tenantId = '') => ({ seen: SEEN, body: bodies[tenantId] }),
  };
  return lab as Lab;
}

const named = (...ids: readonly string[]): Listed[] =>
  ids.map((id) => ({ connectionId: `connection-${id}`, tenantId: id }));
const demo = { Organisations: [{ IsDemoCompany: true }] };
const authorisation = {} as Authorisation;

test('demo companies, and no company at all, are a sandbox', async () => {
  await XERO_PLAN.check(labWith(named('a', 'b'), { a: demo, b: demo }), authorisation);
  await XERO_PLAN.check(labWith([], {}), authorisation);
});

test.for([
  ['one that is not', named('a', 'b'), { a: demo, b: { Organisations: [{ IsDemoCompany: false }] } }],
  ['one that does not say', named('a'), { a: { Organisations: [{}] } }],
  ['an answer without any', named('a'), { a: { Organisations: [] } }],
  ['no answer', named('a'), {}],
  ['a list that cannot be read', undefined, {}],
  ['more than a developer has', named('a', 'b', 'c', 'd'), { a: demo, b: demo, c: demo, d: demo }],
] as const)('%s: no sandbox', async ([, listed, bodies]) => {
  await expect(XERO_PLAN.check(labWith(listed, bodies), authorisation)).rejects.toBeInstanceOf(NotSandbox);
});
