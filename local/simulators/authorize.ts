import type { SimRequest } from './exchange.ts';

/** The query of an authorization request, read but not judged. */
export interface AuthorizeQuery {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly responseType: string;
  readonly scopes: readonly string[];
  readonly state: string | undefined;
  readonly nonce: string | undefined;
}

export function readAuthorizeQuery({ url }: SimRequest): AuthorizeQuery {
  const query = url.searchParams;
  return {
    clientId: query.get('client_id') ?? '',
    redirectUri: query.get('redirect_uri') ?? '',
    responseType: query.get('response_type') ?? '',
    scopes: (query.get('scope') ?? '').split(' ').filter(Boolean),
    state: query.get('state') ?? undefined,
    nonce: query.get('nonce') ?? undefined,
  };
}

/** The redirect URI with the answer's parameters and the state that was sent. */
export function callbackUrl(query: AuthorizeQuery, parameters: Readonly<Record<string, string>>): URL {
  const target = new URL(query.redirectUri);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  if (query.state !== undefined) target.searchParams.set('state', query.state);
  return target;
}

/**
 * Whether a redirect URI is registered. Without a list, whatever development keys may use: any https address, and
 * http on localhost (not 127.0.0.1, which Xero refuses).
 */
export function isRegistered(redirectUri: string, registered: readonly string[] | undefined): boolean {
  if (registered) return registered.includes(redirectUri);
  if (!URL.canParse(redirectUri)) return false;
  const { protocol, hostname } = new URL(redirectUri);
  return protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost');
}
