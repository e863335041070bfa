import { afterEach, describe, expect, test } from 'vitest';
import type { ApiAuthorizer } from '../../../local/assembly/model.ts';
import { apiOf, type FakeFunction, JUDGE_ARN, KEY_AUTHORIZER, method, serveGateway, WORKER_ARN } from './support.ts';

const servers: { stop(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

async function serve(judge: FakeFunction, changes: Partial<ApiAuthorizer> = {}, now = () => 0) {
  const authorizer = { ...KEY_AUTHORIZER, ...changes };
  const events: Record<string, unknown>[] = [];
  const server = await serveGateway({
    api: apiOf([method('GET', '/v1/{id}', { authorizer }), method('POST', '/v1/{id}', { authorizer })]),
    functions: {
      [WORKER_ARN]: () => ({ statusCode: 200, body: '{}' }),
      [JUDGE_ARN]: (event) => {
        events.push(event);
        return judge(event);
      },
    },
    now,
  });
  servers.push(server);
  const get = async (key: string | undefined, path = '/v1/a', httpMethod = 'GET') => {
    const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
    return (await fetch(server.url + path, { method: httpMethod, headers })).status;
  };
  return { get, events };
}

const policy = (...statements: unknown[]) => ({ principalId: 'p', policyDocument: { Statement: statements } });
const ARN = 'arn:aws:execute-api:us-east-1:000000000000:abc/api';
const statement = (Effect: string, Resource: unknown) => ({ Effect, Action: 'execute-api:Invoke', Resource });

describe('an authorizer', () => {
  test('is not asked when its identity source is missing', async () => {
    const { get, events } = await serve(() => policy(statement('Allow', '*')));
    expect(await get(undefined)).toBe(401);
    expect(await get('')).toBe(401);
    expect(events).toEqual([]);
  });

  test('gets the request and the ARN of method and path', async () => {
    const { get, events } = await serve(() => policy(statement('Allow', '*')));
    expect(await get('k', '/v1/a%20b?q=1')).toBe(200);
    expect(events).toMatchObject([
      {
        type: 'REQUEST',
        methodArn: `${ARN}/GET/v1/a%20b`,
        resource: '/v1/{id}',
        path: '/v1/a%20b',
        httpMethod: 'GET',
        headers: { 'x-api-key': 'k' },
        queryStringParameters: { q: '1' },
        pathParameters: { id: 'a b' },
        requestContext: { stage: 'api', apiId: 'abc' },
      },
    ]);
    expect(events[0]).not.toHaveProperty('body');
  });

  test.for<[string, FakeFunction, number]>([
    ['a policy that allows', () => policy(statement('Allow', [`${ARN}/GET/v1/*`])), 200],
    ['a policy for another path', () => policy(statement('Allow', `${ARN}/GET/v2/*`)), 403],
    ['a policy for another method', () => policy(statement('Allow', `${ARN}/POST/*`)), 403],
    ['an empty policy', () => policy(), 403],
    ['a deny beside an allow', () => policy(statement('Allow', '*'), statement('Deny', '*')), 403],
    ['another action', () => policy({ Effect: 'Allow', Action: 'execute-api:ManageConnections', Resource: '*' }), 403],
    ['the error "Unauthorized"', () => Promise.reject(new Error('Unauthorized')), 401],
    ['any other error', () => Promise.reject(new Error('boom')), 500],
    ['no policy', () => ({ principalId: 'p' }), 500],
    ['no principal', () => ({ policyDocument: { Statement: [] } }), 500],
    ['a condition, which is not judged here', () => policy({ ...statement('Allow', '*'), Condition: {} }), 500],
    ['an object in its context', () => ({ ...policy(statement('Allow', '*')), context: { a: {} } }), 500],
  ])('with %s gives its status', async ([, judge, status]) => {
    const { get } = await serve(judge);
    expect(await get('k')).toBe(status);
  });

  test('is asked once per identity until the cache ends, by the platform’s clock', async () => {
    let now = 0;
    const { get, events } = await serve(
      () => policy(statement('Allow', '*')),
      {},
      () => now,
    );
    for (const key of ['k', 'k', 'other', 'k']) await get(key);
    expect(events.length).toBe(2);
    now = 59_999;
    await get('k');
    expect(events.length).toBe(2);
    now = 60_000;
    await get('k');
    expect(events.length).toBe(3);
  });

  test('a cached policy is judged anew for each method and path', async () => {
    const { get, events } = await serve(() => policy(statement('Allow', `${ARN}/GET/v1/a`)));
    expect(await get('k', '/v1/a')).toBe(200);
    expect(await get('k', '/v1/b')).toBe(403);
    expect(await get('k', '/v1/a', 'POST')).toBe(403);
    expect(events.length).toBe(1);
  });

  test('without a time to live it is asked every time, and failures are never kept', async () => {
    const uncached = await serve(() => policy(statement('Allow', '*')), { ttlSeconds: 0 });
    await uncached.get('k');
    await uncached.get('k');
    expect(uncached.events.length).toBe(2);
    const failing = await serve(() => Promise.reject(new Error('boom')));
    await failing.get('k');
    await failing.get('k');
    expect(failing.events.length).toBe(2);
  });

  test('of type TOKEN gets the token alone, if it has the right form', async () => {
    const { get, events } = await serve(() => policy(statement('Allow', '*')), { type: 'TOKEN', validation: 'gk_.*' });
    expect(await get('wrong')).toBe(401);
    expect(await get('gk_1')).toBe(200);
    expect(events).toEqual([{ type: 'TOKEN', methodArn: `${ARN}/GET/v1/a`, authorizationToken: 'gk_1' }]);
  });
});
