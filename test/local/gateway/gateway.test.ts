import { request } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { apiOf, JUDGE_ARN, KEY_AUTHORIZER, method, serveGateway, WORKER_ARN } from './support.ts';

const servers: { stop(): void }[] = [];
async function serve(...[options]: Parameters<typeof serveGateway>) {
  const server = await serveGateway(options);
  servers.push(server);
  return server;
}
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
  vi.restoreAllMocks();
});

const echo = (event: Record<string, unknown>) => ({ statusCode: 200, body: JSON.stringify(event) });
const allow = () => ({
  principalId: 'key-1',
  policyDocument: { Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }] },
});

/** node:http, because fetch changes headers on their way. */
function rawGet(port: number, path: string, headers: readonly string[]): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers: headers as never }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve(JSON.parse(text) as Record<string, unknown>);
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the proxy event', () => {
  test('holds the request as API Gateway tells it', async () => {
    const { port } = await serve({
      api: apiOf([method('GET', '/v1/items/{id}', { authorizer: KEY_AUTHORIZER })]),
      functions: {
        [WORKER_ARN]: echo,
        [JUDGE_ARN]: () => ({ ...allow(), context: { scopes: 'a b', count: 3, ok: true } }),
      },
    });
    const event = await rawGet(port, '/api/v1/items/7?q=1&q=a%20b&z=', [
      'Host',
      'localhost:8080',
      'X-API-Key',
      'k',
      'Cookie',
      'a=1',
      'Cookie',
      'b=2',
      'User-Agent',
      'test/1',
    ]);
    const requestId = (event.requestContext as { requestId: string }).requestId;
    expect(event).toEqual({
      resource: '/v1/items/{id}',
      path: '/v1/items/7',
      httpMethod: 'GET',
      headers: {
        Host: 'localhost:8080',
        'X-API-Key': 'k',
        Cookie: 'b=2',
        'User-Agent': 'test/1',
        'X-Forwarded-For': '127.0.0.1',
        'X-Forwarded-Port': String(port),
        'X-Forwarded-Proto': 'http',
      },
      multiValueHeaders: {
        Host: ['localhost:8080'],
        'X-API-Key': ['k'],
        Cookie: ['a=1', 'b=2'],
        'User-Agent': ['test/1'],
        'X-Forwarded-For': ['127.0.0.1'],
        'X-Forwarded-Port': [String(port)],
        'X-Forwarded-Proto': ['http'],
      },
      queryStringParameters: { q: 'a b', z: '' },
      multiValueQueryStringParameters: { q: ['1', 'a b'], z: [''] },
      pathParameters: { id: '7' },
      stageVariables: null,
      requestContext: {
        accountId: '000000000000',
        apiId: 'abc',
        authorizer: { principalId: 'key-1', scopes: 'a b', count: '3', ok: 'true' },
        domainName: 'localhost',
        domainPrefix: 'localhost',
        extendedRequestId: requestId,
        httpMethod: 'GET',
        identity: {
          accessKey: null,
          accountId: null,
          caller: null,
          cognitoAuthenticationProvider: null,
          cognitoAuthenticationType: null,
          cognitoIdentityId: null,
          cognitoIdentityPoolId: null,
          principalOrgId: null,
          sourceIp: '127.0.0.1',
          user: null,
          userAgent: 'test/1',
          userArn: null,
        },
        path: '/api/v1/items/7',
        protocol: 'HTTP/1.1',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        requestTime: '20/Nov/2026:13:20:00 +0000',
        requestTimeEpoch: 1_795_180_800_000,
        resourceId: 'GET /v1/items/{id}',
        resourcePath: '/v1/items/{id}',
        stage: 'api',
      },
      body: null,
      isBase64Encoded: false,
    });
  });

  test('has null for what is empty, and the body as text', async () => {
    const { url } = await serve({ api: apiOf([method('POST', '/v1')]), functions: { [WORKER_ARN]: echo } });
    const response = await fetch(`${url}/v1`, { method: 'POST', body: '{"ä":1}' });
    expect(await response.json()).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      pathParameters: null,
      body: '{"ä":1}',
    });
  });
});

describe('the answer', () => {
  async function answer(proxyResponse: unknown) {
    const { url } = await serve({
      api: apiOf([method('GET', '/v1')]),
      functions: { [WORKER_ARN]: () => proxyResponse },
    });
    return await fetch(`${url}/v1`, { redirect: 'manual' });
  }

  test('repeats headers that have several values', async () => {
    const response = await answer({
      statusCode: 302,
      headers: { location: 'https://example.com/', 'Set-Cookie': 'c=3', 'X-Count': 4 },
      multiValueHeaders: { 'set-cookie': ['a=1', 'b=2', 'c=3'] },
    });
    expect(response.status).toBe(302);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2', 'c=3']);
    expect(response.headers.get('location')).toBe('https://example.com/');
    expect(response.headers.get('x-count')).toBe('4');
  });

  test('is JSON by default, and decoded when it is base64', async () => {
    const response = await answer({ statusCode: 200, body: 'aGk=', isBase64Encoded: true });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('hi');
  });

  test('drops headers that belong to the connection', async () => {
    const response = await answer({ statusCode: 200, headers: { 'Content-Length': '999' }, body: 'ok' });
    expect(await response.text()).toBe('ok');
  });

  test.for<[string, unknown]>([
    ['nothing', null],
    ['text', 'ok'],
    ['a bad status', { statusCode: 'x' }],
    ['a status out of range', { statusCode: 42 }],
    ['an object as body', { statusCode: 200, body: {} }],
    ['a list as header', { statusCode: 200, headers: { a: [] } }],
    ['a text as multi-value header', { statusCode: 200, multiValueHeaders: { a: 'b' } }],
  ])('of a function that gives %s is 502', async ([, proxyResponse]) => {
    const response = await answer(proxyResponse);
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ message: 'Internal server error' });
  });
});

describe('the gateway’s own answers', () => {
  test('an unknown route is 403 unless the template says otherwise', async () => {
    const { url } = await serve({ api: apiOf([]), functions: {} });
    const response = await fetch(`${url}/v1/nowhere`);
    expect([response.status, await response.json()]).toEqual([403, { message: 'Missing Authentication Token' }]);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
  });

  test('follow the template: its own type first, then its default for the class', async () => {
    const own = {
      statusCode: 404,
      headers: { 'X-Why': 'because' },
      templates: { 'application/json': '{"id":"$context.requestId","type":"$context.error.responseType"}' },
    };
    const byDefault = { headers: {}, templates: { 'text/plain': 'refused: $context.error.message' } };
    const { url } = await serve({
      api: apiOf([method('GET', '/v1', { authorizer: KEY_AUTHORIZER })], {
        MISSING_AUTHENTICATION_TOKEN: own,
        DEFAULT_4XX: byDefault,
      }),
      functions: { [WORKER_ARN]: echo, [JUDGE_ARN]: allow },
    });
    const missing = await fetch(`${url}/v2`);
    expect([missing.status, missing.headers.get('x-why'), await missing.json()]).toEqual([
      404,
      'because',
      { id: missing.headers.get('x-amzn-requestid'), type: 'MISSING_AUTHENTICATION_TOKEN' },
    ]);
    const unauthorized = await fetch(`${url}/v1`);
    expect([unauthorized.status, unauthorized.headers.get('content-type'), await unauthorized.text()]).toEqual([
      401,
      'text/plain',
      'refused: Unauthorized',
    ]);
  });

  test('a variable that cannot be filled is noticed at the start', async () => {
    const templates = { 'application/json': '"$context.authorizer.secret"' };
    await expect(
      serve({ api: apiOf([], { UNAUTHORIZED: { headers: {}, templates } }), functions: {} }),
    ).rejects.toThrow('gateway response UNAUTHORIZED: $context.authorizer.secret is not supported');
  });

  test('a failed function is 502, a slow one 504', async () => {
    const slow = { kind: 'lambda', functionArn: `${WORKER_ARN}-slow`, timeoutMs: 50 } as const;
    const { url } = await serve({
      api: apiOf([method('GET', '/failing'), method('GET', '/slow', { integration: slow })]),
      functions: {
        [WORKER_ARN]: () => {
          throw new Error('no');
        },
        [`${WORKER_ARN}-slow`]: () => new Promise((resolve) => setTimeout(resolve, 1_000)),
      },
    });
    expect((await fetch(`${url}/failing`)).status).toBe(502);
    const response = await fetch(`${url}/slow`);
    expect([response.status, await response.json()]).toEqual([504, { message: 'Endpoint request timed out' }]);
  });

  test('a function that no permission opens to the gateway is 500 and is not run', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const worker = vi.fn(echo);
    const permission = { functionArn: WORKER_ARN, principal: 'apigateway.amazonaws.com' };
    const { url } = await serve({
      api: apiOf([method('GET', '/v1/a'), method('GET', '/v1/b')]),
      functions: { [WORKER_ARN]: worker },
      permissions: [{ ...permission, sourceArn: 'arn:aws:execute-api:us-east-1:000000000000:abc/api/GET/v1/b' }],
    });
    expect((await fetch(`${url}/v1/a`)).status).toBe(500);
    expect(worker).not.toHaveBeenCalled();
    expect(errors).toHaveBeenCalledWith(expect.stringContaining('api/GET/v1/a'));
    expect((await fetch(`${url}/v1/b`)).status).toBe(200);
  });

  test('a body beyond 10 MB is 413', async () => {
    const { url } = await serve({ api: apiOf([method('POST', '/v1')]), functions: { [WORKER_ARN]: echo } });
    const response = await fetch(`${url}/v1`, { method: 'POST', body: 'x'.repeat(10 * 1024 * 1024 + 1) });
    expect(response.status).toBe(413);
  });

  test('a mock integration answers by itself', async () => {
    const integration = {
      kind: 'mock',
      statusCode: 204,
      headers: { 'Access-Control-Allow-Origin': '*' },
      body: '',
    } as const;
    const { url } = await serve({ api: apiOf([method('OPTIONS', '/v1', { integration })]), functions: {} });
    const response = await fetch(`${url}/v1`, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });
});
