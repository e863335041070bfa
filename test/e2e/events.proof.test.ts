import { afterEach, expect, test, vi } from 'vitest';
import { allowQuickBooks, allowXero, connect, REALMS, whereOf, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { useWorld } from './fixture.ts';

/** Lifecycle events from the functions to a target of the configuration, over the bus and the rule of the templates. */

// Some cold starts, and twice the two seconds that a bus is waited for, on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:partner-events';
const events = ['Connection Created', 'Connection Disconnected', 'Token Refreshed'];
const world = useWorld({ context: { eventTargets: [{ kind: 'sns', arn: TOPIC, events }] } });
const ACME = { organizationId: 'acme', provider: 'xero' } as const;
const tenantId = XERO_ORGANISATIONS.acme;

const bus = () => world().platform.aws.eventBridge;
afterEach(() => bus().clearFaults());

const typesOnBus = () =>
  bus()
    .events()
    .map(({ detailType }) => detailType);
/** What was told, with ids and times that differ from run to run left out. */
const toldOf = (type: string) => {
  const [found] = bus()
    .events()
    .filter(({ detailType }) => detailType === type);
  const { occurredAt, grant, attemptId, tokenVersion, ...told } = found?.detail ?? {};
  return { bus: found?.bus, source: found?.source, ...told };
};
const ABOUT = { bus: 'grantkeeper-local', source: 'grantkeeper', version: 1, environment: 'local', provider: 'xero' };
const countedEvents = () =>
  world()
    .platform.logs()
    .filter(({ line }) => line.includes('"EventsDropped"'))
    .map(({ line }) => (JSON.parse(line) as { readonly EventsDropped: number }).EventsDropped);

test('what becomes of a connection is told on the bus, and reaches the target that wants it', async () => {
  await connect(world(), { ...ACME, consent: allowXero('owner', [tenantId]), tenantId });
  await world().tokens.get(ACME);
  // Xero's access tokens live 30 minutes and are refreshed ahead while somebody uses them.
  await world().platform.advance(29 * 60);
  expect(toldOf('Connection Created')).toEqual({ ...ABOUT, organizationIds: ['acme'], reason: 'linked' });
  expect(toldOf('Token Refreshed')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  expect(toldOf('Refresh Token Rotated')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  await world().api.disconnect('acme', 'xero');
  expect(toldOf('Connection Disconnected')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  const wanted = typesOnBus().filter((type) => events.includes(type));
  const arrived = bus().deliveries();
  expect(arrived.map(({ targetArn, event }) => [targetArn, event['detail-type']])).toEqual(
    wanted.map((type) => [TOPIC, type]),
  );
  expect(wanted.length).toBeLessThan(typesOnBus().length);
});

const BIRCH = XERO_ORGANISATIONS.birch;

// Connections of their own: the company of the first is still being taken off at the provider.
test.for([
  ['InternalFailure', { organizationId: 'birch', provider: 'xero', consent: allowXero('accountant', [BIRCH]) }],
  ['hang', { organizationId: 'cedar', provider: 'quickbooks', consent: allowQuickBooks(REALMS.cedar) }],
] as const)('a bus that answers %s costs events, and neither a connection nor a token', async ([code, flow]) => {
  bus().failNext({ operation: 'PutEvents', code, times: 1_000 });
  const { organizationId, provider } = flow;
  const before = { events: typesOnBus().length, counted: countedEvents().length };
  const { page } = await connect(world(), flow);
  expect(whereOf(page)).toBe(`/settings/integrations?connected=true&system=${provider}`);
  const answer = await world().tokens.get({ organizationId, provider });
  expect(answer.status === 'ok' ? 'ok' : answer.code).toBe('ok');
  expect((await world().api.disconnect(organizationId, provider)).status).toBe(200);
  await vi.waitFor(() => expect(countedEvents().slice(before.counted)).toEqual([1, 1]), { timeout: 10_000 });
  expect(typesOnBus().length).toBe(before.events);
});
