import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyResult, Context } from 'aws-lambda';
import { isProviderId, ORGANIZATION_ID_PATTERN } from '../domain/names.ts';
import { ROUTES, type RouteName } from '../domain/routes.ts';
import { chooseCorrelationId, withCorrelationId } from './correlation.ts';
import { describeError } from './describe-error.ts';
import { flushTold } from './flush.ts';
import { answerOf, failureOf, type HttpAnswer, SECURITY_HEADERS } from './http-answer.ts';
import { type GatewayEvent, type HttpRequest, requestOf, routeOf } from './http-request.ts';
import { createLogOutcome } from './logging.ts';
import { countDenial } from './metrics.ts';

export type { HttpAnswer } from './http-answer.ts';
export type { HttpRequest } from './http-request.ts';

/** What API Gateway invokes. */
export type HttpHandler = (
  event: GatewayEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<APIGatewayProxyResult>;

type HttpMiddleware = MiddlewareObj<GatewayEvent, APIGatewayProxyResult, Error, Context, { startedAt: number }>;

/**
 * The Lambda handler of one or several routes: parses the request, asks `handle`, and answers. What `handle` throws
 * becomes `{error: {code, message, field?, correlation_id}}` (a page for a browser's route, when it asks for one);
 * anything but a `GrantkeeperError` becomes a bare 500. Writes one log line per request and the metrics counted in it.
 */
export function httpHandler(
  routes: RouteName | readonly RouteName[],
  handle: (request: HttpRequest, route: RouteName) => Promise<HttpAnswer>,
): HttpHandler {
  const names = typeof routes === 'string' ? [routes] : routes;
  // No early timeout: what is under way (a code being exchanged) must not be answered over.
  const stack = middy<GatewayEvent, APIGatewayProxyResult>({ timeoutEarlyInMillis: 0 })
    .use(flushesTold())
    .use(logsOutcome(names))
    .use(securesAnswer())
    .use(answersFailure(names))
    .handler(async (event: GatewayEvent): Promise<APIGatewayProxyResult> => {
      const route = routeOf(event, names);
      const request = requestOf(event, ROUTES[route], correlationOf(event));
      return answerOf(await handle(request, route));
    });
  return (event, context) =>
    withCorrelationId(correlationOf(event), async () => await stack(event, context as Context));
}

/** The caller's `X-Correlation-Id` when it has the form of one, else the gateway's request id. */
function correlationOf({ headers, requestContext }: GatewayEvent): string {
  const sent = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'x-correlation-id');
  return chooseCorrelationId(sent?.[1], requestContext.requestId);
}

function answersFailure(names: readonly RouteName[]): HttpMiddleware {
  return {
    onError: function answerFailure(request) {
      countDenial(request.error);
      request.response = failureOf(request.error, correlationOf(request.event), wantsPage(request.event, names));
    },
  };
}

/** Only routes that a browser opens have pages; a program there gets JSON by not asking for HTML. */
function wantsPage(event: GatewayEvent, names: readonly RouteName[]): boolean {
  const accept = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'accept');
  return ROUTES[names[0] ?? 'status'].auth.kind === 'browser' && (accept?.[1] ?? '').includes('text/html');
}

function securesAnswer(): HttpMiddleware {
  const secure: NonNullable<HttpMiddleware['after']> = function secureAnswer(request) {
    const { response, event } = request;
    if (!response) return;
    const headers = { ...SECURITY_HEADERS, 'x-correlation-id': correlationOf(event), ...response.headers };
    request.response = { ...response, headers };
  };
  return { after: secure, onError: secure };
}

function logsOutcome(names: readonly RouteName[]): HttpMiddleware {
  const log = createLogOutcome();
  const write: NonNullable<HttpMiddleware['after']> = function logOutcome({ event, response, error, internal }) {
    const status = response?.statusCode ?? 500;
    log(status >= 500 ? 'error' : 'info', 'request', {
      ...subjectOf(event, names),
      status,
      durationMs: Date.now() - internal.startedAt,
      ...(error ? { ...describeError(error) } : {}),
    });
  };
  return {
    before: function startTimer({ internal }) {
      internal.startedAt = Date.now();
    },
    after: write,
    onError: write,
  };
}

/** Whom a request concerns. Ids from the path are named only when they have the form of ids. */
function subjectOf(event: GatewayEvent, names: readonly RouteName[]): Record<string, string> {
  const { provider, organization_id: organizationId = '' } = event.pathParameters ?? {};
  const keyId: unknown = event.requestContext.authorizer?.keyId;
  const route = names.find((name) => ROUTES[name].path === event.resource && ROUTES[name].method === event.httpMethod);
  return {
    ...(route && { route }),
    ...(isProviderId(provider) && { provider }),
    ...(ORGANIZATION_ID_PATTERN.test(organizationId) && { organizationId }),
    ...(typeof keyId === 'string' && { keyId }),
  };
}

function flushesTold(): HttpMiddleware {
  const flush: NonNullable<HttpMiddleware['after']> = async function flush({ context }) {
    await flushTold(context);
  };
  return { after: flush, onError: flush };
}
