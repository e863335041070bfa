import * as z from 'zod/mini';
import { BROWSER_COOKIE } from '../domain/connect-session.ts';
import type { ProviderId } from '../domain/names.ts';
import type { HttpRequest } from './http.ts';
import { organizationIdSchema, parseInput, providerSchema } from './parse-input.ts';

/** As long as a flow can last, and room to reuse it for the next. */
const COOKIE_SECONDS = 3_600;

const PROVIDER_PATH = z.object({ provider: providerSchema });
const CONNECTION_PATH = z.object({ provider: providerSchema, organization_id: organizationIdSchema });

/** `{provider}` of the path. Throws `unknown_provider`. */
export function providerOf(request: HttpRequest): ProviderId {
  return parseInput(PROVIDER_PATH, request.parameters).provider;
}

/** `{provider}` and `{organization_id}` of the path. Throws `unknown_provider` and `invalid_organization_id`. */
export function connectionOf(request: HttpRequest): { readonly provider: ProviderId; readonly organizationId: string } {
  const { provider, organization_id: organizationId } = parseInput(CONNECTION_PATH, request.parameters);
  return { provider, organizationId };
}

/** The cookie that ties a flow to the browser it was opened in, if the browser sent it. */
export function browserCookieOf(request: HttpRequest): string | undefined {
  return request.cookies[BROWSER_COOKIE];
}

/** Its Set-Cookie value. Lax: it must come along when the provider sends the browser back to us. */
export function browserCookie(value: string): string {
  return `${BROWSER_COOKIE}=${value}; Path=/; Max-Age=${COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Lax`;
}

/** A form of ours with these fields, all texts. Throws `invalid_request` for anything else. */
export function formOf<const N extends string>(request: HttpRequest, names: readonly N[]): Partial<Record<N, string>> {
  const text = z.optional(z.string().check(z.maxLength(512)));
  const shape = Object.fromEntries(names.map((name) => [name, text]));
  return parseInput(z.strictObject(shape), request.body ?? {}, 'body') as Partial<Record<N, string>>;
}
