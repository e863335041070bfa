import { beforeAll, describe, expect, test } from 'vitest';
import type { ApiRequest } from '../../local/demo/api-client.ts';
import { allowQuickBooks, connect, issueApiKey, REALMS, type World } from '../../local/demo/world.ts';
import { errorOf } from './fixture.ts';

const SESSIONS = '/v1/connect-sessions';
const GOOD = { organization_id: 'acme', provider: 'quickbooks' };

/** What is refused, with which code and field, and that no provider hears of it. */
export function describeBadInput(world: () => World): void {
  let acmeKey = '';
  let readKey = '';
  let heard: readonly number[] = [];
  const ledgers = async () => {
    const { quickbooks, xero } = world().providers;
    return [(await quickbooks.ledger()).length, (await xero.ledger()).length];
  };
  beforeAll(async () => {
    acmeKey = await issueApiKey(world(), {
      scopes: ['connections:read', 'connections:write'],
      organizations: ['acme'],
    });
    readKey = await issueApiKey(world(), { scopes: ['connections:read', 'tokens:write'], organizations: '*' });
    await connect(world(), { organizationId: 'birch', provider: 'quickbooks', consent: allowQuickBooks(REALMS.birch) });
    heard = await ledgers();
  });

  describe('POST /connect-sessions', () => {
    test.for<[string, ApiRequest, unknown[]]>([
      ['no body', {}, [400, 'invalid_request', 'body']],
      [
        'malformed JSON',
        { body: '{"organization_id": ', headers: { 'content-type': 'application/json' } },
        [400, 'invalid_request', 'body'],
      ],
      ['a list', { json: [GOOD] }, [400, 'invalid_request', 'body']],
      ['null', { json: null }, [400, 'invalid_request', 'body']],
      [
        'another media type',
        { body: '<a/>', headers: { 'content-type': 'text/xml' } },
        [400, 'invalid_request', 'body'],
      ],
      ['more than 16 KiB', { json: { ...GOOD, user_id: 'x'.repeat(17_000) } }, [400, 'invalid_request', 'body']],
      ['no organisation', { json: { provider: 'xero' } }, [400, 'invalid_organization_id', 'organization_id']],
      [
        'a bad organisation',
        { json: { ...GOOD, organization_id: '../etc' } },
        [400, 'invalid_organization_id', 'organization_id'],
      ],
      [
        'an organisation of 65 letters',
        { json: { ...GOOD, organization_id: 'a'.repeat(65) } },
        [400, 'invalid_organization_id', 'organization_id'],
      ],
      [
        'an organisation that is no text',
        { json: { ...GOOD, organization_id: 7 } },
        [400, 'invalid_organization_id', 'organization_id'],
      ],
      ['no provider', { json: { organization_id: 'acme' } }, [400, 'unknown_provider', 'provider']],
      ['an unknown provider', { json: { ...GOOD, provider: 'sage' } }, [400, 'unknown_provider', 'provider']],
      ['an unknown field', { json: { ...GOOD, colour: 'red' } }, [400, 'invalid_request', 'colour']],
      ['a bad company', { json: { ...GOOD, tenant_id: 'a/b' } }, [400, 'invalid_request', 'tenant_id']],
      ['a user with a line break', { json: { ...GOOD, user_id: 'a\nb' } }, [400, 'invalid_request', 'user_id']],
      [
        'a return URL that is not listed',
        { json: { ...GOOD, return_url: 'https://evil.example' } },
        [400, 'invalid_return_url', 'return_url'],
      ],
      [
        'a return URL that only begins like a listed one',
        { json: { ...GOOD, return_url: 'http://localhost:1@evil.example' } },
        [400, 'invalid_return_url', 'return_url'],
      ],
    ])('refuses %s', async ([, request, expected]) => {
      expect(errorOf(await world().api.send(SESSIONS, { method: 'POST', ...request }))).toEqual(expected);
    });

    test('a session that cannot be seen is one that does not exist', async () => {
      const { sessionId } = await world().api.createSession({ organization_id: 'birch', provider: 'xero' });
      const path = `${SESSIONS}/${sessionId}`;
      expect((await world().api.send(path)).status).toBe(200);
      expect(errorOf(await world().api.send(path, { key: acmeKey }))).toEqual([404, 'not_found']);
      const missing = `${SESSIONS}/01ARZ3NDEKTSV4RRFFQ69G5FAV`;
      expect(errorOf(await world().api.send(missing, { key: acmeKey }))).toEqual([404, 'not_found']);
      expect(errorOf(await world().api.send(`${SESSIONS}/no-session`))).toEqual([404, 'not_found']);
    });
  });

  describe('every route with a key', () => {
    const routes: readonly [string, ApiRequest][] = [
      [SESSIONS, { method: 'POST', json: { ...GOOD, organization_id: 'birch' } }],
      [`${SESSIONS}/01ARZ3NDEKTSV4RRFFQ69G5FAV`, {}],
      ['/v1/oauth/quickbooks/status/birch', {}],
      ['/v1/oauth/quickbooks/disconnect/birch', { method: 'POST' }],
    ];

    test.for(routes)('%s wants one', async ([path, request]) => {
      expect(errorOf(await world().api.send(path, { ...request, key: null }))).toEqual([401, 'unauthorized']);
      expect(errorOf(await world().api.send(path, { ...request, key: 'gk_local_x' }))).toEqual([401, 'unauthorized']);
      expect(
        errorOf(await world().api.send(path, { ...request, key: acmeKey.replace('gk_local', 'gk_prod') })),
      ).toEqual([401, 'unauthorized']);
    });

    test.for(routes)('%s shows nothing of another organisation', async ([path, request]) => {
      expect(errorOf(await world().api.send(path, { ...request, key: acmeKey }))).toEqual([404, 'not_found']);
    });

    test.for(routes.filter(([, { method }]) => method === 'POST'))('%s wants the scope', async ([path, request]) => {
      expect(errorOf(await world().api.send(path, { ...request, key: readKey }))).toEqual([403, 'forbidden']);
    });

    test('the connection that others tried to end is there', async () => {
      expect((await world().api.status('birch', 'quickbooks')).body).toMatchObject({
        connected: true,
        health: 'healthy',
      });
    });
  });

  describe('paths', () => {
    test.for<[string, ApiRequest, unknown[]]>([
      ['/v1/oauth/sage/status/acme', {}, [400, 'unknown_provider', 'provider']],
      ['/v1/oauth/quickbooks/status/-acme', {}, [400, 'invalid_organization_id', 'organization_id']],
      ['/v1/oauth/quickbooks/status/a%23b', {}, [400, 'invalid_organization_id', 'organization_id']],
      [`/v1/oauth/quickbooks/status/${'a'.repeat(65)}`, {}, [400, 'invalid_organization_id', 'organization_id']],
      ['/v1/oauth/sage/disconnect/acme', { method: 'POST' }, [400, 'unknown_provider', 'provider']],
      [
        '/v1/oauth/quickbooks/disconnect/a%20b',
        { method: 'POST' },
        [400, 'invalid_organization_id', 'organization_id'],
      ],
      ['/v1/oauth/quickbooks/disconnect/acme', { method: 'POST' }, [404, 'not_connected']],
      ['/v1/oauth/sage/connect/acme', { key: null }, [400, 'unknown_provider', 'provider']],
      ['/v1/oauth/quickbooks/connect/a%20b', { key: null }, [400, 'invalid_organization_id', 'organization_id']],
      ['/v1/oauth/quickbooks/connect/acme', { key: null }, [400, 'session_invalid']],
      ['/v1/oauth/quickbooks/connect/acme?session=x', { key: null }, [400, 'session_invalid']],
      ['/v1/oauth/quickbooks/connect/acme?session=a&session=b', { key: null }, [400, 'invalid_request', 'session']],
      ['/v1/oauth/quickbooks/connect/acme', { key: null, method: 'POST' }, [400, 'invalid_state']],
      ['/v1/oauth/sage/callback', { key: null }, [400, 'unknown_provider', 'provider']],
      ['/v1/oauth/quickbooks/callback', { key: null }, [400, 'invalid_state']],
      ['/v1/oauth/quickbooks/callback?state=a&state=b', { key: null }, [400, 'invalid_request', 'state']],
      ['/v1/oauth/xero/choose', { key: null }, [400, 'invalid_state']],
      ['/v1/oauth/xero/choose?flow=01ARZ3NDEKTSV4RRFFQ69G5FAV', { key: null }, [400, 'invalid_state']],
      [
        '/v1/oauth/xero/choose',
        { key: null, method: 'POST', body: new URLSearchParams({ flow: 'x', extra: 'y' }) },
        [400, 'invalid_request', 'extra'],
      ],
      ['/v1/oauth/sage/choose', { key: null }, [400, 'unknown_provider', 'provider']],
      ['/v1/nothing', {}, [404, 'not_found']],
      ['/v1/oauth/quickbooks/status/acme', { method: 'POST' }, [404, 'not_found']],
    ])('%s', async ([path, request, expected]) => {
      expect(errorOf(await world().api.send(path, request))).toEqual(expected);
    });

    test('a link for one organisation or provider does not open another', async () => {
      const { connectUrl } = await world().api.createSession({ organization_id: 'acme', provider: 'quickbooks' });
      for (const [from, to] of [
        ['/connect/acme', '/connect/birch'],
        ['/quickbooks/', '/xero/'],
      ] as const) {
        const answer = await fetch(connectUrl.replace(from, to), { redirect: 'manual' });
        expect(errorOf({ status: answer.status, body: (await answer.json()) as Record<string, unknown> })).toEqual([
          400,
          'session_invalid',
        ]);
      }
    });

    test('errors are JSON that nobody keeps', async () => {
      const answer = await world().api.send('/v1/oauth/sage/status/acme');
      expect(answer.headers.get('cache-control')).toBe('no-store, no-cache');
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    });
  });

  describe('get-token', () => {
    const question = { organizationId: 'birch', provider: 'quickbooks' };

    test.for<[string, unknown, unknown[]]>([
      ['nothing', null, ['invalid_request', 'input']],
      ['no organisation', { provider: 'xero' }, ['invalid_organization_id', 'organizationId']],
      ['a bad organisation', { ...question, organizationId: 'a b' }, ['invalid_organization_id', 'organizationId']],
      ['an unknown provider', { ...question, provider: 'sage' }, ['unknown_provider', 'provider']],
      ['an unknown field', { ...question, force: true }, ['invalid_request', 'force']],
      ['a negative validity', { ...question, minValiditySeconds: -1 }, ['invalid_request', 'minValiditySeconds']],
      [
        'a validity of two days',
        { ...question, minValiditySeconds: 172_800 },
        ['invalid_request', 'minValiditySeconds'],
      ],
      [
        'a rejection without a reason',
        { ...question, rejected: { tokenVersion: 1 } },
        ['invalid_request', 'rejected.reason'],
      ],
      ['an organisation without a connection', { ...question, organizationId: 'nobody' }, ['not_connected', undefined]],
    ])('refuses %s', async ([, payload, [code, field]]) => {
      const { tokens, platform } = world();
      const answer = (await tokens.invoke(platform.functions['get-token'], payload)) as Record<string, unknown>;
      expect([answer.status, answer.code, answer.field]).toEqual(['error', code, field]);
    });
  });

  test('get-token serves what there is to who rejects a version that nobody was given, as before a restore', async () => {
    const question = { organizationId: 'birch', provider: 'quickbooks' } as const;
    const { tokenVersion } = await world().tokens.need(question);
    const served = await world().tokens.need({ ...question, rejected: { tokenVersion: 99, reason: 'token' } });
    expect(served.tokenVersion).toBe(tokenVersion);
  });

  test('none of this reached a provider', async () => {
    expect(await ledgers()).toEqual(heard);
  });
}
