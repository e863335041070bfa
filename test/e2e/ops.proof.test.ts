import { beforeAll, expect, test, vi } from 'vitest';
import { allowQuickBooks, allowXero, connect, REALMS, whereOf, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { tableNameOf } from '../../local/seed.ts';
import { opsVariables, runOps } from '../support/run-ops.ts';
import { openFlow, useWorld } from './fixture.ts';

/** An operator's day, by the command line itself, against the whole application. The tests stand in the order they need. */

vi.setConfig({ testTimeout: 90_000 });

const world = useWorld();
const ops = (line: string) => runOps(line.split(' '), opsVariables(world().platform));
const told = async (line: string) => JSON.parse((await ops(`${line} --json`)).out);
const sweeps = () =>
  world()
    .platform.logs()
    .filter((line) => line.function === 'refresh-due').length;
const QUESTION = { organizationId: 'org-1', provider: 'quickbooks' } as const;

/** An item as text, without its ciphertexts. */
function textOf(item: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(item, (_, value) =>
    value instanceof Set ? [...value] : ArrayBuffer.isView(value) ? '' : value,
  );
}

beforeAll(async () => {
  const quickbooks = allowQuickBooks(REALMS.acme);
  await connect(world(), { ...QUESTION, consent: quickbooks });
  const shared = [XERO_ORGANISATIONS.acme, XERO_ORGANISATIONS.birch];
  const consent = allowXero('accountant', shared);
  await connect(world(), { organizationId: 'org-1', provider: 'xero', consent, tenantId: XERO_ORGANISATIONS.acme });
  await connect(world(), { organizationId: 'org-2', provider: 'xero', consent, tenantId: XERO_ORGANISATIONS.birch });
  await world().platform.advance(180);
}, 90_000);

test('status finds everything by the environment’s name', async () => {
  const { out, err, exitCode } = await ops('status --env local');
  expect([err, exitCode]).toEqual(['', 0]);
  expect(out).toMatch(/^grantkeeper local at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\n\nalarms +0 of \d\d in ALARM\n/);
  expect(out).toMatch(/\nsweep +last run in the minute of [^\n]* ago\)\n/);
  expect(out).toMatch(/\nrefreshers +running\nrescue +0 waiting, 0 in flight; dead letter 0 waiting, 0 in flight\n/);
  expect(out).toMatch(/\nstate keys +1 signs\n\nprovider +circuit +verdicts +suspects +grants\n/);
  expect(out).toMatch(
    /\nquickbooks +closed +given +0 +\d+ \(counted [^)]*\)|\nquickbooks +closed +given +0 +not counted yet\n/,
  );
});

test('explain speaks of the connection by the platform’s clock', async () => {
  const { out, exitCode } = await ops('explain org-1 quickbooks --env local');
  expect(exitCode).toBe(0);
  expect(out).toMatch(
    /^org-1 is connected and well\n\nhealth {5}healthy\nget-token {2}the stored access token, which expires /,
  );
  expect(out).toMatch(/\nnext\n {2}it is refreshed [^\n]*Z \(in /);
  expect(out).toMatch(/ {2}connection\.linked\n/);
  expect(await told('explain org-2 quickbooks --env local')).toMatchObject({ situation: 'unknown', audit: [] });
});

test('drill page lets the composite follow, and tells both topics', async () => {
  const before = world().platform.notifications().length;
  const { out, exitCode } = await ops('drill page --env local --yes');
  expect([out.match(/ told {5}arn:/g)?.length, exitCode]).toEqual([2, 0]);
  const since = world().platform.notifications().slice(before);
  const alarmed = since.filter(({ state }) => state === 'ALARM').map(({ topic }) => topic);
  expect(alarmed.toSorted()).toEqual(['grantkeeper-local-page', 'grantkeeper-local-ticket']);
});

test('a restore is refused while the refreshers run', async () => {
  const id = `${new Date(world().platform.clock.now() - 60_000).toISOString().slice(0, 16)}Z`;
  expect(await ops(`restore --env local --id ${id} --yes`)).toEqual({
    out: '',
    err: 'refresh-grant, finish-connect, rescue, refresh-due of local may run: npm run ops -- pause --env local, wait four minutes, then restore\n',
    exitCode: 2,
  });
  const looked = await told(`restore --env local --id ${id} --dry-run`);
  expect(looked).toMatchObject({ grants: 2, found: { current: 2 }, problems: [] });
});

test('pause asks, stops the sweep and nothing else; resume starts it again', async () => {
  const unasked = await ops('pause --env local');
  expect(unasked).toEqual({
    out: '',
    err: 'this asks before it begins and there is no terminal: --yes goes on, --dry-run only looks\n',
    exitCode: 2,
  });
  expect((await ops('pause --env local --yes')).exitCode).toBe(0);
  const before = sweeps();
  await world().platform.advance(180);
  expect(sweeps()).toBe(before);
  expect(await world().tokens.get(QUESTION)).toMatchObject({ status: 'ok' });
  expect((await ops('status --env local')).out).toContain(
    '\nrefreshers   PAUSED: refresh-grant, finish-connect, rescue, refresh-due\n',
  );
  expect((await ops('explain org-1 quickbooks --env local')).out).toContain(
    '\n  the sweep is paused: none of this happens',
  );

  expect(await ops('resume --env local --only rescue')).toMatchObject({
    out: expect.stringContaining('\nstill paused: refresh-grant, finish-connect, refresh-due\n'),
    exitCode: 0,
  });
  expect((await ops('resume --env local')).out).toBe(`refresh-grant   paused → unreserved
finish-connect  paused → unreserved
rescue          unreserved
refresh-due     paused → at most 8 at once
all of it runs
`);
  await world().platform.advance(120);
  expect(sweeps()).toBeGreaterThan(before);
});

test('a state key is turned while a flow is under way, and the flow ends well', async () => {
  const announced = await ops('rotate state-key --env local --wait 0');
  expect([announced.exitCode, announced.out]).toEqual([3, expect.stringMatching(/^next is swap, not before /)]);
  const session = { organization_id: 'turning', provider: 'quickbooks' } as const;
  const { browser, consentPage } = await openFlow(world(), session);
  await world().platform.advance(340);
  const swapped = await ops('rotate state-key --env local --wait 0');
  expect([swapped.exitCode, swapped.out]).toEqual([
    0,
    expect.stringMatching(/^key \d{8}T\d{6}Z signs now\. Key 1 can go /),
  ]);
  const page = await browser.submit(consentPage, allowQuickBooks(REALMS.birch));
  expect(whereOf(page)).toBe('/settings/integrations?connected=true&system=quickbooks');

  await world().platform.advance(960);
  expect((await ops('rotate state-key --env local --finish')).out).toMatch(
    /^the old key is gone; key \d{8}T\d{6}Z signs\n$/,
  );
  const consent = allowQuickBooks(REALMS.cedar);
  const { page: after } = await connect(world(), { organizationId: 'turned', provider: 'quickbooks', consent });
  expect(whereOf(after)).toBe('/settings/integrations?connected=true&system=quickbooks');
});

test('an API key is rotated with an overlap and revoked', async () => {
  const request = 'keys create --env local --name Portal --scopes connections:read --organizations org-1';
  const { id, key } = await told(request);
  const { api } = world();
  const status = async (apiKey: string) =>
    (await api.send('/v1/oauth/quickbooks/status/org-1', { key: apiKey })).status;
  const rotated = await told(`keys rotate ${id} --env local --overlap-hours 1 --yes`);
  expect(rotated).toMatchObject({ name: 'Portal', organizations: ['org-1'], replaces: { id } });
  expect([await status(key), await status(rotated.key)]).toEqual([200, 200]);
  await world().platform.advance(3_700);
  expect([await status(key), await status(rotated.key)]).toEqual([401, 200]);
  expect((await ops(`keys revoke ${rotated.id} --env local --yes`)).exitCode).toBe(0);
  await world().platform.advance(61);
  expect(await status(rotated.key)).toBe(401);
});

test('revoke-all counts first, then ends every connection of a provider', async () => {
  const counted = 'connections of xero in local (quickbooks 0, xero 2)';
  expect(await ops('revoke-all --provider xero --env local --dry-run')).toEqual({
    out: `2 ${counted} would be ended; nothing was written\n`,
    err: '',
    exitCode: 0,
  });
  const question = { organizationId: 'org-2', provider: 'xero' } as const;
  expect(await world().tokens.get(question)).toMatchObject({ status: 'ok' });
  expect(await ops('revoke-all --provider xero --env local --yes')).toEqual({
    out: `2 connections of xero in local ended; nothing is served for them any more
the sweep tells the providers; explain shows how far it is with one of them
`,
    err: '2 of 2 ended\n',
    exitCode: 0,
  });
  expect(await world().tokens.get(question)).toMatchObject({ status: 'error', code: 'not_connected' });
  expect(await told('explain org-2 xero --env local')).toMatchObject({ situation: 'disconnecting' });
  const events = world()
    .platform.aws.eventBridge.events()
    .filter(({ detailType }) => /disconnected/i.test(detailType));
  expect(events).toHaveLength(2);
  await world().platform.advance(120);
  const detached = (await world().providers.xero.ledger()).filter(({ endpoint }) => endpoint === 'connections');
  expect(detached).toHaveLength(2);
});

test('erase leaves nothing that names the organisation, once the providers have been told', async () => {
  const { platform } = world();
  const dry = await told('erase org-1 --env local --dry-run');
  expect(dry).toMatchObject({ connections: 2, held: 1, flows: 2, endingKeys: 2, sharedKeys: 0 });
  const first = await ops('erase org-1 --env local --wait 0 --yes');
  expect([first.exitCode, first.out]).toEqual([
    3,
    expect.stringContaining('not complete: run erase org-1 --env local again'),
  ]);
  await platform.advance(900);
  const last = await ops('erase org-1 --env local --wait 0 --thorough --yes');
  expect([last.exitCode, last.out]).toEqual([0, expect.stringContaining('\norg-1 is erased from local\n')]);
  const tables = await platform.dumpTables();
  const named = Object.values(tables).flatMap((items) => items.filter((item) => textOf(item).includes('org-1')));
  expect(named.map(({ pk, sk }) => [pk, sk])).toEqual([]);
  const audit = tables[tableNameOf(platform.assembly, 'audit')] ?? [];
  expect(
    audit
      .filter(({ event }) => event === 'organization.erased')
      .map(({ provider }) => provider)
      .sort(),
  ).toEqual(['quickbooks', 'xero']);
  expect(await ops('erase org-1 --env local --yes')).toEqual({
    out: 'nothing names org-1 in local\n',
    err: '',
    exitCode: 0,
  });
});
