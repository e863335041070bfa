import type { RouteName } from '../../lib/domain/routes.ts';
import type { HttpHandler } from '../../lib/runtime/http.ts';
import { FULL_KEY, httpEvent, type RequestOptions } from '../lib/runtime/http-event.ts';

/** Keys of partners, as the authorizer hands them on. */
export const ACME_KEY = { ...FULL_KEY, organizations: '["acme"]' };

/** Sends a request through a function's handler: status, parsed JSON or text, and headers. */
export async function send(handler: HttpHandler, route: RouteName, options: RequestOptions = {}) {
  const result = await handler(httpEvent(route, options), { getRemainingTimeInMillis: () => 15_000 });
  const headers = result.headers ?? {};
  const isJson = String(headers['content-type'] ?? '').startsWith('application/json');
  return {
    status: result.statusCode,
    body: isJson ? JSON.parse(result.body) : result.body,
    headers,
    location: headers.location,
    cookies: result.multiValueHeaders?.['set-cookie'],
  };
}
