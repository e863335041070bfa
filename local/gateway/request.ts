import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ACCOUNT } from '../assembly/intrinsics.ts';
import type { ApiMethod, ApiResource } from '../assembly/model.ts';
import type { MatchedRoute } from './router.ts';

/** A request at the gateway, read completely. */
export interface GatewayRequest {
  readonly requestId: string;
  readonly receivedAt: number;
  readonly httpMethod: string;
  /** As sent, with the stage, without the query. */
  readonly rawPath: string;
  /** As sent, without the stage. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Name and value pairs as sent, the gateway's own additions at the end. */
  readonly headers: readonly (readonly [string, string])[];
  readonly sourceIp: string;
  readonly userAgent: string | null;
  readonly domainName: string;
  readonly protocol: string;
  readonly body: Buffer;
}

/** API Gateway's payload limit. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Reads a request; the body up to one byte more than the limit, so that the caller can refuse it. `now` is the
 * platform's clock.
 */
export async function readRequest(
  incoming: IncomingMessage,
  { stage, now }: { readonly stage: string; readonly now: number },
): Promise<GatewayRequest> {
  const [rawPath = '/', search = ''] = (incoming.url ?? '/').split('?', 2);
  const requestId = randomUUID();
  const sourceIp = (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return {
    requestId,
    receivedAt: now,
    httpMethod: incoming.method ?? 'GET',
    rawPath,
    path: rawPath.slice(`/${stage}`.length) || '/',
    query: new URLSearchParams(search),
    headers: [...headerPairs(incoming.rawHeaders), ...forwardedHeaders(incoming, sourceIp)],
    sourceIp,
    userAgent: incoming.headers['user-agent'] ?? null,
    domainName: (incoming.headers.host ?? 'localhost').replace(/:\d+$/, ''),
    protocol: `HTTP/${incoming.httpVersion}`,
    body: await readBody(incoming),
  };
}

function headerPairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!/^(x-forwarded-for|x-forwarded-port|x-forwarded-proto|connection|transfer-encoding)$/i.test(name)) {
      pairs.push([name, rawHeaders[index + 1] ?? '']);
    }
  }
  return pairs;
}

function forwardedHeaders(incoming: IncomingMessage, sourceIp: string): (readonly [string, string])[] {
  const before = incoming.headers['x-forwarded-for'];
  return [
    ['X-Forwarded-For', before === undefined ? sourceIp : `${String(before)}, ${sourceIp}`],
    ['X-Forwarded-Port', String(incoming.socket.localPort ?? '')],
    ['X-Forwarded-Proto', 'http'],
  ];
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    if (size <= MAX_BODY_BYTES) chunks.push(chunk.subarray(0, MAX_BODY_BYTES + 1 - size));
    size += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** The value of a header by name, the last one if it was sent repeatedly. */
export function headerOf(request: GatewayRequest, name: string): string | undefined {
  return request.headers.findLast(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
}

/**
 * The part of the proxy event that a REQUEST authorizer gets too: everything but the body.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function baseEvent(
  api: ApiResource,
  { method, pathParameters }: MatchedRoute,
  request: GatewayRequest,
): Record<string, unknown> {
  return {
    resource: method.path,
    path: request.path,
    httpMethod: request.httpMethod,
    headers: Object.fromEntries(request.headers),
    multiValueHeaders: multiValues(request.headers),
    queryStringParameters: orNull(Object.fromEntries(request.query)),
    multiValueQueryStringParameters: orNull(multiValues([...request.query])),
    pathParameters: orNull(pathParameters),
    stageVariables: null,
    requestContext: requestContext(api, method, request),
  };
}

function requestContext(api: ApiResource, method: ApiMethod, request: GatewayRequest): Record<string, unknown> {
  return {
    accountId: ACCOUNT,
    apiId: api.id,
    domainName: request.domainName,
    domainPrefix: request.domainName.split('.')[0],
    extendedRequestId: request.requestId,
    httpMethod: request.httpMethod,
    identity: { ...NO_IDENTITY, sourceIp: request.sourceIp, userAgent: request.userAgent },
    path: request.rawPath,
    protocol: request.protocol,
    requestId: request.requestId,
    requestTime: formatTime(request.receivedAt),
    requestTimeEpoch: request.receivedAt,
    resourceId: method.resourceId,
    resourcePath: method.path,
    stage: api.stage,
  };
}

const NO_IDENTITY = {
  accessKey: null,
  accountId: null,
  caller: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

/** Common log format in UTC: `20/Nov/2026:13:20:00 +0000`. */
function formatTime(instant: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(instant).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

function multiValues(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const [name, value] of pairs) {
    values[name] = [...(values[name] ?? []), value];
  }
  return values;
}

function orNull<T extends object>(values: T): T | null {
  return Object.keys(values).length === 0 ? null : values;
}
