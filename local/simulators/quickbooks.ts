import { randomBytes } from 'node:crypto';
import { type AuthorizeQuery, callbackUrl, isRegistered, readAuthorizeQuery } from './authorize.ts';
import { COMPANIES, findCompany, QUICKBOOKS_USER } from './companies.ts';
import { QUICKBOOKS_ERROR_PAGE, quickBooksConsentPage } from './consent-page.ts';
import { empty, html, json, type Reply, type Route, redirect, type SimRequest, type Work, work } from './exchange.ts';
import type { Fault } from './faults.ts';
import { Flights } from './flights.ts';
import { fingerprint } from './mint.ts';
import type { ProviderSimulator, SimulatorParts } from './provider-simulator.ts';
import { apiFaultReply, companyInfo, userInfo } from './quickbooks-api.ts';
import {
  QUICKBOOKS_CODE_LIFE_MS,
  QUICKBOOKS_ISSUER,
  quickBooksDialect,
  quickBooksRules,
} from './quickbooks-dialect.ts';
import { beginTokenRequest, oauthError, type TokenDesk } from './token-endpoint.ts';
import { TokenService } from './token-service.ts';
import { TokenVault } from './token-vault.ts';

const SCOPE = /^(com\.intuit\.quickbooks\.(accounting|payment)|openid|profile|email|phone|address|[a-z-]+\.[a-z.-]+)$/;
const COMPANY_SCOPE = /^com\.intuit\.quickbooks\./;

/** Intuit as providers.md §1 describes it. */
export function createQuickBooks(parts: SimulatorParts): ProviderSimulator {
  const vault = new TokenVault();
  const flights = new Flights();
  const dialect = quickBooksDialect(parts.mint);
  const desk: TokenDesk = {
    clients: parts.clients,
    vault,
    flights,
    service: new TokenService({ dialect, vault, flights, settings: () => parts.settings }),
    now: parts.now,
    invalidClientStatus: 401,
    decodesBasic: false,
    owner: (realmId) => ({ tenantId: realmId }),
  };
  return {
    provider: 'quickbooks',
    routes: quickBooksRoutes(parts, desk),
    headers: () => ({ intuit_tid: `1-${randomBytes(4).toString('hex')}-${randomBytes(12).toString('hex')}` }),
    faultReply: (fault, request) => quickBooksFaultReply(fault, request, parts),
    disconnectTenant(realmId) {
      if (!findCompany(realmId)) return undefined;
      return vault.kill((family) => family.authorization.subject === realmId);
    },
  };
}

function quickBooksRoutes(parts: SimulatorParts, desk: TokenDesk): Route[] {
  const { vault, now } = desk;
  const discovery = work(() => json(200, discoveryDocument(parts.origin)));
  return [
    {
      method: 'GET',
      path: /^\/connect\/oauth2$/,
      endpoint: 'authorize',
      begin: (request) => work(() => withValidQuery(parts, request, (query) => consentPage(query))),
    },
    {
      method: 'POST',
      path: /^\/connect\/oauth2$/,
      endpoint: 'authorize',
      begin: (request) => work(() => withValidQuery(parts, request, (query) => decide(parts, vault, request, query))),
    },
    {
      method: 'POST',
      path: /^\/oauth2\/v1\/tokens\/bearer$/,
      endpoint: 'token',
      begin: (request) => beginTokenRequest(desk, request),
    },
    {
      method: 'POST',
      path: /^\/v2\/oauth2\/tokens\/revoke$/,
      endpoint: 'revoke',
      begin: (request) => beginRevoke(parts, desk, request),
    },
    {
      method: 'GET',
      path: /^\/v3\/company\/(\d+)\/companyinfo\/\1$/i,
      endpoint: 'api',
      begin: (request, match) => work(() => companyInfo(vault, request, match[1] ?? '', now())),
    },
    {
      method: 'GET',
      path: /^\/v1\/openid_connect\/userinfo$/,
      endpoint: 'userinfo',
      begin: (request) => work(() => userInfo(vault, request, now())),
    },
    { method: 'GET', path: /^\/\.well-known\/openid_(sandbox_)?configuration$/, begin: () => discovery },
    { method: 'GET', path: /^\/op\/v1\/jwks$/, begin: () => work(() => json(200, parts.mint.jwks())) },
  ];
}

/** A wrong client or redirect URI ends on Intuit's own page; other mistakes go back to the app. */
function withValidQuery(parts: SimulatorParts, request: SimRequest, proceed: (query: AuthorizeQuery) => Reply): Reply {
  const query = readAuthorizeQuery(request);
  if (!parts.clients.has(query.clientId) || !isRegistered(query.redirectUri, parts.redirectUris)) {
    return html(400, QUICKBOOKS_ERROR_PAGE);
  }
  const error = faultOfQuery(query);
  return error ? redirect(callbackUrl(query, { error })) : proceed(query);
}

function faultOfQuery(query: AuthorizeQuery): string | undefined {
  if (query.responseType !== 'code') return 'unsupported_response_type';
  if (!query.state) return 'invalid_request';
  const scopesAreKnown = query.scopes.length > 0 && query.scopes.every((scope) => SCOPE.test(scope));
  return scopesAreKnown ? undefined : 'invalid_scope';
}

function consentPage(query: AuthorizeQuery, problem?: string): Reply {
  return html(problem === undefined ? 200 : 400, quickBooksConsentPage(query.clientId, COMPANIES, problem));
}

/** The consent form: `decision` allow or deny, `company` a realm id. */
function decide(parts: SimulatorParts, vault: TokenVault, request: SimRequest, query: AuthorizeQuery): Reply {
  const form = new URLSearchParams(request.body);
  const decision = form.get('decision');
  if (decision === 'deny') return redirect(callbackUrl(query, { error: 'access_denied' }));
  if (decision !== 'allow') return consentPage(query, 'Choose Allow or Deny.');
  const company = findCompany(form.get('company') ?? '');
  if (!company) return consentPage(query, 'Choose a company.');
  const forCompany = query.scopes.some((scope) => COMPANY_SCOPE.test(scope));
  const code = parts.mint.random('XAB1', 46);
  const { clientId, redirectUri, scopes, nonce } = query;
  const authorization = {
    clientId,
    redirectUri,
    scopes,
    subject: forCompany ? company.realmId : QUICKBOOKS_USER.subject,
    eventId: code,
    ...(nonce === undefined ? {} : { nonce }),
  };
  vault.issueCode(authorization, code, parts.now() + QUICKBOOKS_CODE_LIFE_MS);
  return redirect(callbackUrl(query, { code, ...(forCompany ? { realmId: company.realmId } : {}) }));
}

/**
 * Revokes by either token, JSON or form, Basic only. The whole connection of that company ends; a token that is not
 * good any more gets 400, unlike RFC 7009 (providers.md §1.8).
 */
function beginRevoke(parts: SimulatorParts, desk: TokenDesk, request: SimRequest): Work {
  const token = revokedToken(request);
  const family = desk.vault.familyOf(token ?? '');
  const note = {
    endpoint: 'revoke' as const,
    ...(family ? desk.owner(family.authorization.subject) : {}),
    ...(token ? { tokenHash: fingerprint(token) } : {}),
    inFlight: 1,
  };
  const perform = (): Reply => {
    const clientId = desk.clients.fromBasic(request, false);
    if (clientId === undefined) return oauthError(401, 'invalid_client');
    if (!token) return oauthError(400, 'invalid_request');
    const owned = family?.authorization.clientId === clientId;
    if (!owned || !desk.vault.isLive(token, quickBooksRules(parts.settings), desk.now())) {
      return oauthError(400, 'invalid_grant', 'Token invalid');
    }
    const { subject } = family.authorization;
    desk.vault.kill(({ authorization }) => authorization.subject === subject && authorization.clientId === clientId);
    return empty(200, { committed: true });
  };
  return work(perform, note);
}

function revokedToken(request: SimRequest): string | undefined {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return new URLSearchParams(request.body).get('token') ?? undefined;
  }
  try {
    const body: unknown = JSON.parse(request.body);
    const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

function quickBooksFaultReply(fault: Fault, request: SimRequest, parts: SimulatorParts): Reply {
  if (fault.endpoint === 'api' || fault.endpoint === 'userinfo') return apiFaultReply(fault, parts.now());
  if (fault.error === undefined) return empty(fault.status ?? 400);
  if (fault.endpoint !== 'authorize') return oauthError(fault.status ?? 400, fault.error);
  const { error } = fault;
  return withValidQuery(parts, request, (query) => redirect(callbackUrl(query, { error })));
}

/** The fields that Intuit's real document has; the spelling of the path is theirs too. */
function discoveryDocument(origin: string): object {
  return {
    issuer: QUICKBOOKS_ISSUER,
    authorization_endpoint: `${origin}/connect/oauth2`,
    token_endpoint: `${origin}/oauth2/v1/tokens/bearer`,
    userinfo_endpoint: `${origin}/v1/openid_connect/userinfo`,
    revocation_endpoint: `${origin}/v2/oauth2/tokens/revoke`,
    jwks_uri: `${origin}/op/v1/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile', 'address', 'phone'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    claims_supported: ['aud', 'exp', 'iat', 'iss', 'realmid', 'sub'],
  };
}
