import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from 'vitest';
import { clientSecretName, type ProviderId } from '../../lib/domain/names.ts';
import type { World } from '../../local/demo/world.ts';
import { ask, begunSince, inAlarm, minuteOf, organisation, pagesSince, realm } from './alarm-log.ts';

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const organisations = (from: number, to: number) => numbers(from, to).map(organisation);
const XERO = ['acme', 'birch'] as const;
const TOKEN = { endpoint: 'token', kind: 'status', status: 503 } as const;
const FOR_EVER = 100_000;

/**
 * What makes the alarms on providers page, and what does not. Organisations 1 to 8 are connected to QuickBooks, acme and birch
 * to Xero, each by an authorisation of its own; afterwards 1 to 5 and 8 have to connect again.
 */
export function describeProviderAlarms(world: () => World): void {
  /** Callers whose tokens the provider refused say so, which makes each grant be refreshed at once. */
  async function report(provider: ProviderId, of: readonly string[]): Promise<readonly string[]> {
    const { tokens } = world();
    const reports = of.map(async (organizationId) => {
      const { tokenVersion } = await tokens.need({ organizationId, provider });
      const answer = await tokens.get({ organizationId, provider, rejected: { tokenVersion, reason: 'token' } });
      return answer.status === 'ok' ? 'ok' : answer.code;
    });
    return await Promise.all(reports);
  }

  /** So many minutes in which everybody goes on asking, every five of them. */
  async function live(minutes: number, of: readonly string[] = organisations(1, 7)): Promise<void> {
    for (let lived = 0; lived < minutes; lived += 5) {
      await world().platform.advance(5 * 60);
      await ask(world(), of);
      await ask(world(), XERO, 'xero');
    }
  }

  test('a busy hour with a user who revokes, a provider’s blip and one slow call pages nobody', async () => {
    const { platform, providers } = world();
    const since = platform.clock.now();
    await providers.quickbooks.revoke(realm(8));
    expect(await report('quickbooks', [organisation(8)])).toEqual(['refresh_rejected']);
    await live(20);
    await providers.quickbooks.fault({ ...TOKEN, times: 3 });
    await providers.xero.fault({ ...TOKEN, times: 3 });
    await live(20);
    await providers.quickbooks.fault({ endpoint: 'token', kind: 'slow', delayMs: 3_200, times: 1 });
    const busy = Array.from({ length: 21 }, () => organisations(2, 6)).flat();
    const [slow] = await Promise.all([report('quickbooks', [organisation(1)]), ask(world(), busy)]);
    expect(slow).toEqual(['ok']);
    await live(20);
    expect((await world().api.status(organisation(8), 'quickbooks')).body.health).toBe('needs_reauth');
    expect(begunSince(platform, since)).toEqual([]);
    expect(pagesSince(platform, since)).toEqual([]);
  });

  describe('an outage of a provider for 40 minutes', () => {
    let since: number;

    test('pages once, when refreshes fail for some minutes', async () => {
      const { platform, providers } = world();
      since = platform.clock.now();
      await providers.quickbooks.fault({ ...TOKEN, times: FOR_EVER });
      expect(await report('quickbooks', organisations(1, 4))).not.toContain('ok');
      await live(40);
      expect(begunSince(platform, since).toSorted()).toEqual([
        'circuit-open',
        'page',
        'refresh-lag',
        'refresh-success-quickbooks',
      ]);
      expect(minuteOf(platform, since, 'page')).toBe(minuteOf(platform, since, 'refresh-success-quickbooks'));
      expect(minuteOf(platform, since, 'page')).toBeGreaterThanOrEqual(5);
      expect(minuteOf(platform, since, 'page')).toBeLessThanOrEqual(10);
      expect(minuteOf(platform, since, 'refresh-lag')).toBeGreaterThanOrEqual(15);
      expect(pagesSince(platform, since)).toEqual(['page ALARM']);
    });

    test('is told to be over once, when it is', async () => {
      const { platform, providers } = world();
      await providers.quickbooks.recover();
      await live(30);
      expect(inAlarm(platform)).toEqual([]);
      expect(pagesSince(platform, since)).toEqual(['page ALARM', 'page OK']);
      expect(minuteOf(platform, since, 'page', 'OK')).toBeGreaterThan(40);
    });
  });

  test('a client secret that the provider has changed pages within minutes, until ours is the same', async () => {
    const { platform, providers } = world();
    const since = platform.clock.now();
    const clientSecret = 'changed-in-the-portal';
    await providers.xero.changeSecret(clientSecret);
    expect(await report('xero', XERO)).not.toContain('ok');
    await live(15);
    expect(begunSince(platform, since).toSorted()).toEqual([
      'circuit-open',
      'config-refused',
      'page',
      'refresh-success-xero',
    ]);
    expect(minuteOf(platform, since, 'config-refused')).toBeGreaterThanOrEqual(3);
    expect(minuteOf(platform, since, 'config-refused')).toBeLessThanOrEqual(6);
    await setClientSecret('xero', clientSecret);
    await live(20);
    expect([inAlarm(platform), pagesSince(platform, since)]).toEqual([[], ['page ALARM', 'page OK']]);
  });

  async function setClientSecret(provider: ProviderId, clientSecret: string): Promise<void> {
    const { awsEndpointUrl: endpoint, region, credentials } = world().platform;
    const client = new SecretsManagerClient({ endpoint, region, credentials: { ...credentials } });
    const SecretId = clientSecretName('local', provider, 'sandbox');
    const { SecretString = '{}' } = await client.send(new GetSecretValueCommand({ SecretId }));
    const pair = JSON.stringify({ ...(JSON.parse(SecretString) as object), clientSecret });
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: pair }));
    client.destroy();
  }

  test('five suspects are five users; with seven of seven nobody is believed, and that pages', async () => {
    const { platform, providers } = world();
    const since = platform.clock.now();
    // Not due again before all this is over.
    expect(await report('quickbooks', organisations(6, 7))).toEqual(['ok', 'ok']);
    await providers.quickbooks.fault({
      endpoint: 'token',
      kind: 'error_json',
      error: 'invalid_grant',
      times: FOR_EVER,
    });
    await report('quickbooks', organisations(1, 5));
    await platform.advance(5 * 60);
    expect(begunSince(platform, since)).toEqual([]);
    const frozenAt = platform.clock.now();
    await report('quickbooks', organisations(6, 7));
    await platform.advance(6 * 60);
    expect(begunSince(platform, since)).toEqual(['verdicts-frozen', 'page']);
    expect(minuteOf(platform, frozenAt, 'verdicts-frozen')).toBeLessThanOrEqual(5);
    await providers.quickbooks.recover();
    await live(25);
    expect((await ask(world(), organisations(1, 7))).map(({ status }) => status)).toEqual(Array(7).fill('ok'));
    expect([inAlarm(platform), pagesSince(platform, since)]).toEqual([[], ['page ALARM', 'page OK']]);
  });

  test('four connections given up within an hour are four users, and the fifth pages', async () => {
    const { platform, providers } = world();
    const since = platform.clock.now();
    const revoke = async (of: readonly number[]) => {
      for (const number of of) await providers.quickbooks.revoke(realm(number));
      await report('quickbooks', of.map(organisation));
      await platform.advance(16 * 60);
      // Others are refreshed, so QuickBooks is well, and those who are refused are believed to be.
      expect(await report('quickbooks', organisations(6, 7))).toEqual(['ok', 'ok']);
      await platform.advance(8 * 60);
    };
    await revoke(numbers(1, 4));
    const states = organisations(1, 4).map(async (one) => (await world().api.status(one, 'quickbooks')).body.health);
    expect(await Promise.all(states)).toEqual(Array(4).fill('needs_reauth'));
    expect(begunSince(platform, since)).toEqual([]);
    await revoke([5]);
    expect(begunSince(platform, since)).toEqual(['needs-reauth-burst', 'page']);
    expect(minuteOf(platform, since, 'needs-reauth-burst')).toBeGreaterThanOrEqual(24 + 15);
    expect(pagesSince(platform, since)).toEqual(['page ALARM']);
  });
}
