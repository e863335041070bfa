import { afterEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { createTenantDirectory } from '../../../lib/oauth/tenant-directory.ts';
import { type Behaviour, type FakeTokenEndpoint, startFakeTokenEndpoint } from '../../support/fake-token-endpoint.ts';

const NOW = 1_795_176_000_000;
const REALM = '9341452000000001';
const EVENT = 'd99ecdfe-391d-43d2-b834-17636ba90e8d';
const USER = '1945393b-6eb7-4143-b083-7ab26cd7690b';
const CONNECTION = 'e1eede29-f875-4a5d-8470-17f6a29a88b1';
const TENANT = '70784a63-d24b-46a9-a4db-0e70a274b056';

function jwt(claims: object): Secret {
  return new Secret(`eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`);
}

const XERO_TOKEN = jwt({ xero_userid: USER, authentication_event_id: EVENT });
const ORGANISATION = {
  id: CONNECTION,
  authEventId: EVENT,
  tenantId: TENANT,
  tenantType: 'ORGANISATION',
  tenantName: 'Maple Florists Ltd',
};

const started: FakeTokenEndpoint[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
});

async function serve(behaviour: Behaviour) {
  const fake = await startFakeTokenEndpoint([behaviour]);
  started.push(fake);
  return { fake, ...directoryAt(fake.origin) };
}

function directoryAt(origin: string) {
  return createTenantDirectory({
    hosts: () => ({ authorize: origin, token: origin, revoke: origin, api: origin }),
    now: () => NOW,
    limits: { connectMs: 300, answerMs: 150 },
  });
}

function ok(body: unknown): Behaviour {
  return { kind: 'answer', status: 200, body };
}

const quickbooks = {
  provider: 'quickbooks',
  environment: 'sandbox',
  accessToken: new Secret('opaque'),
  tenantId: REALM,
} as const;
const xero = { provider: 'xero', environment: 'production', accessToken: XERO_TOKEN } as const;

describe('the subject of an access token', () => {
  test.for<[string, Secret, string | undefined]>([
    ['a Xero token', XERO_TOKEN, USER],
    ['no claim', jwt({ sub: USER }), undefined],
    ['a claim that is no id', jwt({ xero_userid: 'a#b' }), undefined],
    ['a claim that is no text', jwt({ xero_userid: 7 }), undefined],
    ['an opaque token', new Secret('opaque'), undefined],
    ['no JSON', new Secret('a.b.c'), undefined],
    ['two parts', new Secret(XERO_TOKEN.open().split('.').slice(0, 2).join('.')), undefined],
  ])('%s', ([, token, expected]) => {
    expect(directoryAt('http://localhost:1').subjectOf('xero', token)).toBe(expected);
  });

  test('is not asked of QuickBooks, whose grants belong to companies', () => {
    expect(directoryAt('http://localhost:1').subjectOf('quickbooks', XERO_TOKEN)).toBeUndefined();
  });
});

describe('the QuickBooks company', () => {
  test('is confirmed with its name', async () => {
    const { fake, list } = await serve(ok({ CompanyInfo: { CompanyName: ' Acme\u0000 Ltd ', Id: '1' }, time: 't' }));
    expect(await list(quickbooks)).toEqual({ kind: 'listed', tenants: [{ tenantId: REALM, name: 'Acme  Ltd' }] });
    const [request] = fake.requests;
    expect([request?.method, request?.path, request?.headers.authorization, request?.headers.accept]).toEqual([
      'GET',
      `/v3/company/${REALM}/companyinfo/${REALM}?minorversion=75`,
      'Bearer opaque',
      'application/json',
    ]);
  });

  test.for([{}, { CompanyName: '' }, { CompanyName: 7 }])('is confirmed without a name: %j', async (CompanyInfo) => {
    const { list } = await serve(ok({ CompanyInfo }));
    expect(await list(quickbooks)).toEqual({ kind: 'listed', tenants: [{ tenantId: REALM }] });
  });

  test.for<[string, Behaviour, object]>([
    ['a 401', { kind: 'answer', status: 401 }, { kind: 'unauthorized', reason: 'http_401' }],
    [
      'a 401 with a fault',
      { kind: 'answer', status: 401, body: { fault: { error: [{ code: '3200' }] } } },
      { kind: 'unauthorized', reason: 'fault_3200' },
    ],
    [
      'a 200 with a fault of the token',
      ok({ Fault: { Error: [{ code: '3200' }] } }),
      { kind: 'unauthorized', reason: 'fault_3200' },
    ],
    [
      'a 200 with another fault',
      ok({ Fault: { Error: [{ code: '6190' }] } }),
      { kind: 'unknown', reason: 'fault_6190' },
    ],
    ['a fault without a code', ok({ Fault: {} }), { kind: 'unknown', reason: 'fault_unnamed' }],
    [
      'a 403',
      { kind: 'answer', status: 403, body: { Fault: { Error: [{ code: '3100' }] } } },
      { kind: 'unknown', reason: 'fault_3100' },
    ],
    ['an empty 200', ok(''), { kind: 'unknown', reason: 'unreadable_answer' }],
    ['another 200', ok({ Company: {} }), { kind: 'unknown', reason: 'unreadable_answer' }],
    ['an outage', { kind: 'answer', status: 503, body: '<html>' }, { kind: 'unknown', reason: 'http_503' }],
    ['a redirect', { kind: 'answer', status: 302 }, { kind: 'unknown', reason: 'http_302' }],
    ['silence', { kind: 'raw', text: '', next: 'stall' }, { kind: 'unknown', reason: 'response_timeout' }],
  ])('is neither confirmed nor denied by %s', async ([, behaviour, expected]) => {
    const { fake, list } = await serve(behaviour);
    expect(await list(quickbooks)).toEqual(expected);
    expect(fake.connections()).toBe(1);
  });

  test.for([undefined, '', '../../x', '1?a=b'])('is not asked for by the id %j', async (tenantId) => {
    const { fake, list } = await serve(ok({}));
    const { tenantId: _, ...request } = quickbooks;
    expect(await list({ ...request, ...(tenantId === undefined ? {} : { tenantId }) })).toEqual({
      kind: 'unknown',
      reason: 'tenant_id_missing',
    });
    expect(fake.connections()).toBe(0);
  });
});

describe('the Xero companies', () => {
  test('are all organisations of the user, with their connections', async () => {
    const other = { ...ORGANISATION, id: 'c-2', tenantId: 't-2', tenantName: 'Adam Ltd' };
    const { fake, list } = await serve(ok([ORGANISATION, other]));
    expect(await list(xero)).toEqual({
      kind: 'listed',
      tenants: [
        { tenantId: TENANT, name: 'Maple Florists Ltd', providerConnectionId: CONNECTION },
        { tenantId: 't-2', name: 'Adam Ltd', providerConnectionId: 'c-2' },
      ],
    });
    expect([fake.requests[0]?.path, fake.requests[0]?.headers.authorization]).toEqual([
      '/connections',
      `Bearer ${XERO_TOKEN.open()}`,
    ]);
  });

  test('are narrowed to this authorisation by its event', async () => {
    const { fake, list } = await serve(ok([ORGANISATION]));
    await list({ ...xero, thisAuthorizationOnly: true });
    expect(fake.requests[0]?.path).toBe(`/connections?authEventId=${EVENT}`);
  });

  test('are unknown when this authorisation cannot be told', async () => {
    const { fake, list } = await serve(ok([ORGANISATION]));
    const accessToken = jwt({ xero_userid: USER });
    expect(await list({ ...xero, accessToken, thisAuthorizationOnly: true })).toEqual({
      kind: 'unknown',
      reason: 'authorization_claim_missing',
    });
    expect(fake.connections()).toBe(0);
  });

  test('do not include practices', async () => {
    const { list } = await serve(ok([{ ...ORGANISATION, tenantType: 'PRACTICEMANAGER' }]));
    expect(await list(xero)).toEqual({ kind: 'listed', tenants: [] });
  });

  test.for<[string, unknown]>([
    ['no list', { connections: [] }],
    ['an entry that is none', [ORGANISATION, null]],
    ['an entry without a type', [{ ...ORGANISATION, tenantType: undefined }]],
    ['an entry without a tenant', [{ ...ORGANISATION, tenantId: undefined }]],
    ['an entry with a strange tenant', [{ ...ORGANISATION, tenantId: 'a/b' }]],
    ['an entry without a connection', [{ ...ORGANISATION, id: '' }]],
  ])('are unknown as a whole with %s, so that none counts as lost', async ([, body]) => {
    const { list } = await serve(ok(body));
    expect(await list(xero)).toEqual({ kind: 'unknown', reason: 'unreadable_answer' });
  });

  test('keep a name of 200 characters at most', async () => {
    const { list } = await serve(ok([{ ...ORGANISATION, tenantName: '🌱'.repeat(300) }]));
    expect(await list(xero)).toEqual({
      kind: 'listed',
      tenants: [{ tenantId: TENANT, name: '🌱'.repeat(200), providerConnectionId: CONNECTION }],
    });
  });

  test.for<[number, object]>([
    [401, { kind: 'unauthorized', reason: 'http_401' }],
    [403, { kind: 'unknown', reason: 'http_403' }],
    [429, { kind: 'unknown', reason: 'http_429' }],
  ])('are not listed by a %i', async ([status, expected]) => {
    const { list } = await serve({ kind: 'answer', status, body: { Title: 'x', Detail: 'TokenExpired' } });
    expect(await list(xero)).toEqual(expected);
  });
});

describe('a detach', () => {
  const request = { ...xero, providerConnectionId: CONNECTION };

  test('deletes the one connection', async () => {
    const { fake, detach } = await serve({ kind: 'raw', text: 'HTTP/1.1 204 X\r\n\r\n', next: 'end' });
    expect(await detach(request)).toEqual({ kind: 'DONE', reason: 'http_204' });
    const [sent] = fake.requests;
    expect([sent?.method, sent?.path, sent?.body]).toEqual(['DELETE', `/connections/${CONNECTION}`, '']);
  });

  test.for<[number, Record<string, string>, object]>([
    [404, {}, { kind: 'DONE', reason: 'http_404' }],
    [401, {}, { kind: 'UNAUTHORIZED', reason: 'http_401' }],
    [302, {}, { kind: 'CONFIG', reason: 'http_302' }],
    [403, {}, { kind: 'RETRY', reason: 'http_403' }],
    [429, {}, { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 60 }],
    [429, { 'retry-after': '9' }, { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 9 }],
    [503, { 'retry-after': '9' }, { kind: 'RETRY', reason: 'http_503', retryAfterSeconds: 9 }],
    [500, {}, { kind: 'RETRY', reason: 'http_500' }],
  ])('that is answered %i %j', async ([status, headers, expected]) => {
    const { fake, detach } = await serve({ kind: 'answer', status, headers });
    expect(await detach(request)).toEqual(expected);
    expect(fake.connections()).toBe(1);
  });

  test.for<[string, Behaviour, string]>([
    ['silence', { kind: 'raw', text: '', next: 'stall' }, 'response_timeout'],
    ['a reset', { kind: 'raw', text: '', next: 'reset' }, 'connection_reset'],
  ])('that meets %s is tried again', async ([, behaviour, reason]) => {
    const { detach } = await serve(behaviour);
    expect(await detach(request)).toEqual({ kind: 'RETRY', reason });
  });

  test('of a strange id or at QuickBooks is never sent', async () => {
    const { fake, detach } = await serve(ok({}));
    expect(await detach({ ...request, providerConnectionId: '../x' })).toEqual({
      kind: 'CONFIG',
      reason: 'connection_id_malformed',
    });
    expect(await detach({ ...request, provider: 'quickbooks' })).toEqual({
      kind: 'CONFIG',
      reason: 'detach_unsupported',
    });
    expect(fake.connections()).toBe(0);
  });

  test('with a token that no header can carry, or without hosts, is tried again', async () => {
    const { detach } = await serve(ok({}));
    const reason = 'request_not_built';
    expect(await detach({ ...request, accessToken: new Secret('a\nb') })).toEqual({ kind: 'RETRY', reason });
    expect(await directoryAt('nowhere').detach(request)).toEqual({ kind: 'RETRY', reason });
  });
});
