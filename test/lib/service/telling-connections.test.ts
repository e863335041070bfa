import { expect, test } from 'vitest';
import type { LifecycleEvent } from '../../../lib/domain/lifecycle-event.ts';
import { disconnect } from '../../../lib/service/disconnect.ts';
import { finishConnect } from '../../../lib/service/finish-connect.ts';
import { rescue } from '../../../lib/service/rescue.ts';
import { createTellingStore } from '../../../lib/service/telling-store.ts';
import { createConnectWorld, FINISH_MS } from '../../support/connect-world.ts';
import { HOUR, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRescueWorld, issuedTokens } from '../../support/rescues.ts';

const REALM = '9341453';
const ABOUT = { provider: 'quickbooks', grant: `quickbooks#${REALM}`, organizationIds: ['acme'] };

/** Finish-connect and disconnect on a store that tells. */
function createTellingConnectWorld() {
  const world = createConnectWorld();
  const emitted: LifecycleEvent[] = [];
  const ports = { ...world.ports, store: createTellingStore(world.store, (event) => emitted.push(event)) };
  world.ports.finishConnect = async (request) => {
    await finishConnect(ports, request, world.clock.now() + FINISH_MS);
    return 'finished';
  };
  world.provider.state.authorised = { subject: REALM, now: [{ tenantId: REALM, name: 'Acme Books' }] };
  const end = () => disconnect(ports, { organizationId: 'acme', provider: 'quickbooks', actor: 'key-1' });
  return Object.assign({}, world, { emitted, end });
}

test('a connection is told when it is made, ended, and made again', async () => {
  const world = createTellingConnectWorld();
  await world.connect('acme', 'quickbooks', REALM);
  expect(await world.end()).toBe('done');
  expect(await world.end()).toBe('already');
  await world.connect('acme', 'quickbooks', REALM);
  const at = world.clock.now();
  expect(world.emitted.map((event) => ({ ...event, at: event.at <= at }))).toEqual([
    { type: 'Connection Created', at: true, ...ABOUT, reason: 'linked' },
    { type: 'Connection Disconnected', at: true, ...ABOUT },
    { type: 'Connection Created', at: true, ...ABOUT, reason: 'linked_again' },
  ]);
});

test('a connect that fails tells nothing', async () => {
  const world = createTellingConnectWorld();
  world.provider.state.outcomes = [{ kind: 'REJECTED', reason: 'invalid_grant' }];
  await world.connect('acme', 'quickbooks', REALM);
  expect(world.emitted).toEqual([]);
});

test('the end of a part in somebody’s authorisation names that one organisation', async () => {
  const world = createConnectWorld();
  const emitted: LifecycleEvent[] = [];
  const ports = { ...world.ports, store: createTellingStore(world.store, (event) => emitted.push(event)) };
  const linked = { sk: 'xero', provider: 'xero', grant: 'xero#user-1', tenantId: 't-1' } as const;
  await world.seed(xeroGrant({ orgs: new Set(['acme', 'globex']) }), quickbooksConnection(linked));
  await disconnect(ports, { organizationId: 'acme', provider: 'xero' });
  expect(emitted).toEqual([
    { type: 'Connection Disconnected', at: T0, provider: 'xero', grant: 'xero#user-1', organizationIds: ['acme'] },
  ]);
});

test('of a grant that has closed by itself only the connection is known', async () => {
  const world = createConnectWorld();
  const emitted: LifecycleEvent[] = [];
  const ports = { ...world.ports, store: createTellingStore(world.store, (event) => emitted.push(event)) };
  await world.seed(quickbooksConnection({ status: 'tenant_lost' }));
  await disconnect(ports, { organizationId: 'acme', provider: 'quickbooks' });
  expect(emitted).toEqual([
    { type: 'Connection Disconnected', at: T0, provider: 'quickbooks', organizationIds: ['acme'] },
  ]);
});

test('a refresh that only the rescue queue could take is told when it is stored, once however often it comes', async () => {
  const world = createRescueWorld();
  const emitted: LifecycleEvent[] = [];
  const ports = { ...world.ports, store: createTellingStore(world.store, (event) => emitted.push(event)) };
  const attempt = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
  await world.seed(quickbooksGrant({ number: 8, attempt }));
  const message = { v: 1, kind: 'refresh', issued: issuedTokens() } as const;
  expect(await rescue(ports, message, world.clock.now() + 40_000)).toBe('commit');
  expect(await rescue(ports, message, world.clock.now() + 40_000)).toBe('stored');
  expect(emitted).toEqual([
    { type: 'Token Refreshed', at: T0 + HOUR, ...ABOUT, attemptId: 'attempt-8', tokenVersion: 8 },
  ]);
});
