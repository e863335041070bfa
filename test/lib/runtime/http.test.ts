import { afterEach, describe, expect, test, vi } from 'vitest';
import { ERRORS, type ErrorCode, GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { RouteName } from '../../../lib/domain/routes.ts';
import { type HttpAnswer, type HttpRequest, httpHandler } from '../../../lib/runtime/http.ts';
import { captureOutput } from './captured-output.ts';
import { FULL_KEY, httpEvent, type RequestOptions } from './http-event.ts';

const output = captureOutput();
afterEach(() => vi.unstubAllEnvs());

const SECURED = {
  'cache-control': 'no-store, no-cache',
  pragma: 'no-cache',
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-correlation-id': 'request-1',
};
const JSON_HEADERS = { ...SECURED, 'content-type': 'application/json; charset=utf-8' };
const HTML_HEADERS = { ...SECURED, 'content-type': 'text/html; charset=utf-8' };
const STATUS = {
  parameters: { provider: 'xero', organization_id: 'acme' },
  authorizer: FULL_KEY,
} as const satisfies RequestOptions;
const CONTEXT = { getRemainingTimeInMillis: () => 15_000 };

/** Sends a request to a handler of the route that answers `answer`, or throws it. */
async function send(route: RouteName, options: RequestOptions, answer: HttpAnswer | Error = { status: 200, body: {} }) {
  const seen: HttpRequest[] = [];
  const handler = httpHandler(route, async (request) => {
    seen.push(request);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const response = await handler(httpEvent(route, options), CONTEXT);
  return { response, request: seen[0] };
}

function failure(code: ErrorCode, field?: string, correlationId = 'request-1') {
  const { status, message } = ERRORS[code];
  const error = { code, message, ...(field === undefined ? {} : { field }), correlation_id: correlationId };
  return { statusCode: status, headers: JSON_HEADERS, body: JSON.stringify({ error }) };
}

describe('a request', () => {
  test('is handed on whole', async () => {
    const { request } = await send('disconnect', {
      parameters: { provider: 'xero', organization_id: 'acme%2Dltd' },
      query: { from: 'a b', to: '' },
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        Cookie: 'a=1; __Host-gk=x=y; a=2',
        'User-Agent': 'curl/8',
        'X-Correlation-Id': 'mine-1',
      },
      body: '{"reason":"é"}',
      authorizer: { ...FULL_KEY, scopes: 'connections:write unheard:of', organizations: '["acme","beta"]' },
    });
    const { header, ...fields } = request as HttpRequest;
    expect(fields).toEqual({
      parameters: { provider: 'xero', organization_id: 'acme-ltd' },
      query: { from: 'a b', to: '' },
      body: { reason: 'é' },
      cookies: { a: '1', '__Host-gk': 'x=y' },
      correlationId: 'mine-1',
      sourceIp: '192.0.2.1',
      userAgent: 'curl/8',
      origin: 'https://abcdef1234.execute-api.us-east-1.amazonaws.com/api',
      key: { id: '0123456789abcdef', scopes: ['connections:write'], organizations: ['acme', 'beta'] },
    });
    expect(header('user-AGENT')).toBe('curl/8');
    expect(header('x-none')).toBeUndefined();
  });

  test('of a browser has no key, even when an authorizer left one', async () => {
    const { request } = await send('callback', { parameters: { provider: 'xero' }, authorizer: FULL_KEY });
    expect(request).not.toHaveProperty('key');
  });

  test('has the configured public URL as origin', async () => {
    vi.stubEnv('GK_PUBLIC_URL', 'http://localhost:8080/api/');
    expect((await send('status', STATUS)).request?.origin).toBe('http://localhost:8080/api');
  });

  test.for([
    ['a space', 'has space'],
    ['a line break', 'a\nb'],
    ['65 characters', 'x'.repeat(65)],
    ['nothing', ''],
  ])('with a correlation id of %s gets the gateway’s', async ([, id = '']) => {
    const { request } = await send('status', { ...STATUS, headers: { 'x-correlation-id': id } });
    expect(request?.correlationId).toBe('request-1');
  });
});

describe('a body', () => {
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
  test.for([
    ['JSON', {}, { body: '{"a":1}' }, { a: 1 }],
    ['JSON in base64', {}, { body: 'eyJhIjoxfQ==', isBase64Encoded: true }, { a: 1 }],
    ['a form', FORM, { body: 'a=1%202&b=' }, { a: '1 2', b: '' }],
    ['a form in base64', FORM, { body: 'YT0x', isBase64Encoded: true }, { a: '1' }],
    ['nothing', {}, {}, undefined],
    ['16 KiB exactly', {}, { body: `"${'x'.repeat(16_382)}"` }, 'x'.repeat(16_382)],
  ] as const)('of %s is parsed', async ([, headers, body, expected]) => {
    const { request } = await send('createConnectSession', { ...body, headers, authorizer: FULL_KEY });
    expect(request?.body).toEqual(expected);
  });

  test.for([
    ['broken JSON', {}, { body: '{"a":' }, 'body'],
    ['one byte too many', {}, { body: `"${'x'.repeat(16_383)}"` }, 'body'],
    ['many bytes in few characters', {}, { body: `"${'€'.repeat(6_000)}"` }, 'body'],
    ['bytes that are no text', {}, { body: 'Iv8i', isBase64Encoded: true }, 'body'],
    ['another type', { 'content-type': 'text/xml' }, { body: '<a/>' }, 'body'],
    ['a form field twice', FORM, { body: 'choice=1&choice=2' }, 'choice'],
    ['a form field of a bad name twice', FORM, { body: '%3Cb%3E=1&%3Cb%3E=2' }, 'parameter'],
  ] as const)('of %s is refused', async ([, headers, body, field]) => {
    const { response, request } = await send('createConnectSession', { ...body, headers, authorizer: FULL_KEY });
    expect(response).toEqual(failure('invalid_request', field));
    expect(request).toBeUndefined();
  });
});

describe('refused before the handler', () => {
  test.for<[string, RequestOptions, ErrorCode, string]>([
    ['a query parameter twice', { query: { state: ['a', 'b'] } }, 'invalid_request', 'state'],
    ['a broken percent-encoding', { parameters: { provider: '%' } }, 'invalid_request', 'provider'],
  ])('%s', async ([, options, code, field]) => {
    const { response, request } = await send('callback', { parameters: { provider: 'xero' }, ...options });
    expect(response).toEqual(failure(code, field));
    expect(request).toBeUndefined();
  });

  test.for([
    ['no key', undefined, 'unauthorized'],
    ['an authorizer that says nothing of a key', { principalId: 'x' }, 'unauthorized'],
    ['organisations that are a text and no list', { ...FULL_KEY, organizations: '"acme2"' }, 'unauthorized'],
    ['organisations that are no JSON', { ...FULL_KEY, organizations: 'acme' }, 'unauthorized'],
    ['a key without the scope', { ...FULL_KEY, scopes: 'connections:write' }, 'forbidden'],
    ['a key whose scope only begins like it', { ...FULL_KEY, scopes: 'connections:readers' }, 'forbidden'],
  ] as const)('%s', async ([, authorizer, code]) => {
    const { response } = await send('status', { ...STATUS, authorizer } as RequestOptions);
    expect(response).toEqual(failure(code));
  });

  test('another method and another path', async () => {
    const handler = httpHandler(['connect', 'confirmConnect'], async () => ({ status: 200, body: {} }));
    const event = httpEvent('connect', { parameters: { provider: 'xero', organization_id: 'a' } });
    expect(await handler({ ...event, httpMethod: 'PUT' }, CONTEXT)).toEqual(failure('method_not_allowed'));
    expect(await handler({ ...event, resource: '/v1/else' }, CONTEXT)).toEqual(failure('not_found'));
  });
});

test('one handler serves several routes and is told which', async () => {
  const handler = httpHandler(['connect', 'confirmConnect'], async (_request, route) => ({
    status: 200,
    body: { route },
  }));
  const parameters = { provider: 'xero', organization_id: 'a' };
  expect((await handler(httpEvent('connect', { parameters }), CONTEXT)).body).toBe('{"route":"connect"}');
  expect((await handler(httpEvent('confirmConnect', { parameters }), CONTEXT)).body).toBe('{"route":"confirmConnect"}');
});

describe('an answer', () => {
  test.for<[string, HttpAnswer, object]>([
    [
      'of data',
      { status: 201, body: { a: 1 }, headers: { 'retry-after': '5' } },
      { statusCode: 201, headers: { ...JSON_HEADERS, 'retry-after': '5' }, body: '{"a":1}' },
    ],
    [
      'that redirects',
      { redirect: 'https://example.com/?a=b', setCookie: 'a=1' },
      {
        statusCode: 302,
        headers: { ...SECURED, location: 'https://example.com/?a=b' },
        multiValueHeaders: { 'set-cookie': ['a=1'] },
        body: '',
      },
    ],
    [
      'of a page with two cookies',
      { status: 200, html: '<p>', setCookie: ['a=1', 'b=2'] },
      { statusCode: 200, headers: HTML_HEADERS, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] }, body: '<p>' },
    ],
  ])('%s', async ([, answer, expected]) => {
    expect((await send('callback', { parameters: { provider: 'xero' } }, answer)).response).toEqual(expected);
  });
});

describe('a failure', () => {
  test.for(Object.keys(ERRORS) as ErrorCode[])('%s is told with its status, message and field', async (code) => {
    const { response } = await send('status', STATUS, new GrantkeeperError(code, { field: 'name' }));
    expect(response).toEqual(failure(code, 'name'));
  });

  test('that passes says when to come back', async () => {
    const { response } = await send('status', STATUS, new GrantkeeperError('unavailable', { retryAfterSeconds: 1.2 }));
    expect(response).toEqual({ ...failure('unavailable'), headers: { ...JSON_HEADERS, 'retry-after': '2' } });
  });

  test('nobody expected is a bare 500', async () => {
    const { response } = await send('status', STATUS, new TypeError('token eyJhbGciOi is undefined'));
    expect(response).toEqual(failure('internal_error'));
    expect(output.text()).not.toContain('eyJhbGciOi');
  });

  test('is a page for a browser that asks for one, with nothing of the request in it', async () => {
    const accepting = { accept: 'text/html,application/xhtml+xml' };
    const query = { state: '<script>alert(1)</script>' };
    const { response } = await send(
      'callback',
      { parameters: { provider: 'xero' }, headers: accepting, query },
      new GrantkeeperError('invalid_state'),
    );
    const headers = {
      ...HTML_HEADERS,
      'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src/),
    };
    expect({ ...response, body: '' }).toEqual({ statusCode: 400, headers, body: '' });
    expect(response.body).toContain(ERRORS.invalid_state.message);
    expect(response.body).toContain('<small>invalid_state · request-1</small>');
    expect(response.body).not.toContain('script');
  });

  test('is JSON on a route for programs, whatever they accept', async () => {
    const { response } = await send(
      'status',
      { ...STATUS, headers: { accept: 'text/html' } },
      new GrantkeeperError('not_found'),
    );
    expect(response).toEqual(failure('not_found'));
  });

  test('of a missing setting names it in the log and not in the answer', async () => {
    const cause = { variables: ['GK_KEY_ARN', 'GK_TABLE_GRANTS'] };
    const { response } = await send('status', STATUS, new GrantkeeperError('configuration_missing', { cause }));
    expect(response).toEqual(failure('configuration_missing'));
    expect(output.lines()[0]).toMatchObject({ code: 'configuration_missing', missing: 'GK_KEY_ARN GK_TABLE_GRANTS' });
  });
});

describe('the log', () => {
  test('has one line per request, with ids and nothing else of it', async () => {
    await send(
      'disconnect',
      {
        ...STATUS,
        query: { code: 'secret-code' },
        headers: { cookie: 'a=secret-cookie', 'x-api-key': 'secret-key', 'content-type': 'application/json' },
        body: '{"a":"secret-body"}',
      },
      { status: 200, body: { token: 'secret-answer' } },
    );
    expect(output.text()).not.toContain('secret');
    expect(output.lines()).toEqual([
      {
        level: 'INFO',
        message: 'request',
        correlationId: 'request-1',
        route: 'disconnect',
        provider: 'xero',
        organizationId: 'acme',
        keyId: '0123456789abcdef',
        status: 200,
        durationMs: expect.any(Number),
      },
    ]);
  });

  test('does not repeat ids that do not look like ids', async () => {
    const parameters = { provider: 'secret', organization_id: 'se cret' };
    await send('connect', { parameters }, new GrantkeeperError('invalid_organization_id'));
    expect(output.lines()).toEqual([
      {
        level: 'INFO',
        message: 'request',
        correlationId: 'request-1',
        route: 'connect',
        status: 400,
        durationMs: expect.any(Number),
        code: 'invalid_organization_id',
      },
    ]);
  });

  test('says where an unexpected error came from, not what it said', async () => {
    await send('status', STATUS, new RangeError('secret\n    at secret (secret.ts:1:1)'));
    expect(output.text()).not.toContain('secret');
    expect(output.lines()[0]).toMatchObject({
      level: 'ERROR',
      status: 500,
      code: 'internal_error',
      errorName: 'RangeError',
      errorAt: expect.stringMatching(/^http\.test\.ts:\d+:\d+$/),
    });
  });
});
