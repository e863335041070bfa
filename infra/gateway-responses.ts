import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';

interface Refusal {
  readonly type: ResponseType;
  /** API Gateway's own status where it says nothing. */
  readonly status?: string;
  /** Code and message as in `ERRORS` of lib/domain; a test holds them equal. */
  readonly code: string;
  readonly message: string;
}

/** What API Gateway answers by itself, before or instead of a function. */
const REFUSALS: readonly Refusal[] = [
  { type: ResponseType.UNAUTHORIZED, code: 'unauthorized', message: 'A valid API key is required.' },
  { type: ResponseType.ACCESS_DENIED, code: 'forbidden', message: 'The API key lacks the scope for this call.' },
  // The gateway's word for a route or method that does not exist.
  {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: '404',
    code: 'not_found',
    message: 'There is no such object.',
  },
  { type: ResponseType.RESOURCE_NOT_FOUND, code: 'not_found', message: 'There is no such object.' },
  { type: ResponseType.THROTTLED, code: 'rate_limited', message: 'Too many requests.' },
  // The firewall's limits per address (web-firewall.ts); without this, API Gateway says 403.
  { type: ResponseType.WAF_FILTERED, status: '429', code: 'rate_limited', message: 'Too many requests.' },
  { type: ResponseType.QUOTA_EXCEEDED, code: 'rate_limited', message: 'Too many requests.' },
  { type: ResponseType.INTEGRATION_TIMEOUT, code: 'unavailable', message: 'A service we depend on did not answer.' },
  { type: ResponseType.DEFAULT_4XX, code: 'invalid_request', message: 'The request is not valid.' },
  { type: ResponseType.DEFAULT_5XX, code: 'internal_error', message: 'Something went wrong on our side.' },
];

/** Header values are in single quotes: they are literals of API Gateway's mapping language. */
const HEADERS = {
  'Cache-Control': "'no-store, no-cache'",
  'X-Content-Type-Options': "'nosniff'",
  'Strict-Transport-Security': "'max-age=31536000; includeSubDomains'",
};

/** Gives the gateway's own refusals the error shape of our API, uncached. The correlation id is the gateway's request id. */
export function addGatewayResponses(api: RestApi): void {
  for (const { type, status, code, message } of REFUSALS) {
    api.addGatewayResponse(type.responseType, {
      type,
      ...(status === undefined ? {} : { statusCode: status }),
      responseHeaders: HEADERS,
      templates: {
        'application/json': JSON.stringify({ error: { code, message, correlation_id: '$context.requestId' } }),
      },
    });
  }
}
