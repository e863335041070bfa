import { randomUUID } from 'node:crypto';
import { type AuthorizeQuery, callbackUrl, isRegistered, readAuthorizeQuery } from './authorize.ts';
import { XERO_USERS } from './companies.ts';
import { xeroConsentPage, xeroErrorPage } from './consent-page.ts';
import { empty, html, json, type Reply, type Route, redirect, type SimRequest, type Work, work } from './exchange.ts';
import type { Fault } from './faults.ts';
import { Flights } from './flights.ts';
import { fingerprint } from './mint.ts';
import type { ProviderSimulator, SimulatorParts } from './provider-simulator.ts';
import { beginTokenRequest, oauthError, type TokenDesk } from './token-endpoint.ts';
import { TokenService } from './token-service.ts';
import { TokenVault } from './token-vault.ts';
import {
  beginDeleteConnection,
  getOrganisation,
  listConnections,
  type XeroBooks,
  xeroApiFaultReply,
} from './xero-api.ts';
import { XeroConnections } from './xero-connections.ts';
import { XERO_CODE_LIFE_MS, XERO_ISSUER, xeroDialect, xeroRules } from './xero-dialect.ts';
import { XeroLimits } from './xero-limits.ts';

const SCOPE =
  /^(openid|profile|email|offline_access|app\.connections|(accounting|assets|files|projects|payroll|bankfeeds|finance|practicemanager)(\.[a-z]+)*)$/;
const API_PATH = /^\/(connections|api\.xro)\b/;

/** Xero as providers.md §2 describes it. */
export function createXero(parts: SimulatorParts): ProviderSimulator {
  const vault = new TokenVault();
  const flights = new Flights();
  const limits = new XeroLimits();
  const books: XeroBooks = { vault, connections: new XeroConnections(), now: parts.now };
  const dialect = xeroDialect(parts.mint, vault);
  const desk: TokenDesk = {
    clients: parts.clients,
    vault,
    flights,
    service: new TokenService({ dialect, vault, flights, settings: () => parts.settings }),
    now: parts.now,
    invalidClientStatus: 400,
    decodesBasic: true,
    owner: (subject) => ({ subject }),
  };
  return {
    provider: 'xero',
    routes: xeroRoutes(parts, desk, books),
    headers: (request) => (API_PATH.test(request.url.pathname) ? limits.headers(request, parts.now()) : {}),
    faultReply: (fault, request) => xeroFaultReply(fault, request, parts),
    disconnectTenant(tenantId) {
      const exists = XERO_USERS.some((user) => user.organisations.some((one) => one.tenantId === tenantId));
      return exists ? books.connections.remove(({ organisation }) => organisation.tenantId === tenantId) : undefined;
    },
  };
}

function xeroRoutes(parts: SimulatorParts, desk: TokenDesk, books: XeroBooks): Route[] {
  const discovery = work(() => json(200, discoveryDocument(parts.origin)));
  return [
    {
      method: 'GET',
      path: /^\/identity\/connect\/authorize$/,
      endpoint: 'authorize',
      begin: (request) => work(() => withValidQuery(parts, request, (query) => consentPage(query))),
    },
    {
      method: 'POST',
      path: /^\/identity\/connect\/authorize$/,
      endpoint: 'authorize',
      begin: (request) => work(() => withValidQuery(parts, request, (query) => decide(parts, books, request, query))),
    },
    {
      method: 'POST',
      path: /^\/connect\/token$/,
      endpoint: 'token',
      begin: (request) => beginTokenRequest(desk, request),
    },
    {
      method: 'POST',
      path: /^\/connect\/revocation$/,
      endpoint: 'revoke',
      begin: (request) => beginRevocation(parts, desk, books, request),
    },
    {
      method: 'GET',
      path: /^\/connections$/,
      endpoint: 'connections',
      begin: (request) => work(() => listConnections(books, request)),
    },
    {
      method: 'DELETE',
      path: /^\/connections\/([A-Za-z0-9-]+)$/,
      endpoint: 'connections',
      begin: (request, match) => beginDeleteConnection(books, request, match[1] ?? ''),
    },
    {
      method: 'GET',
      path: /^\/api\.xro\/2\.0\/Organisation$/,
      endpoint: 'api',
      begin: (request) => work(() => getOrganisation(books, request)),
    },
    { method: 'GET', path: /^\/\.well-known\/openid-configuration$/, begin: () => discovery },
    {
      method: 'GET',
      path: /^\/\.well-known\/openid-configuration\/jwks$/,
      begin: () => work(() => json(200, parts.mint.jwks())),
    },
  ];
}

/** Any mistake of the app ends on Xero's error page, status 500, and never comes back. */
function withValidQuery(parts: SimulatorParts, request: SimRequest, proceed: (query: AuthorizeQuery) => Reply): Reply {
  const query = readAuthorizeQuery(request);
  const refuse = (reason: string): Reply => html(500, xeroErrorPage(reason));
  if (!parts.clients.has(query.clientId)) return refuse('Unknown client or client not enabled');
  if (!isRegistered(query.redirectUri, parts.redirectUris)) return refuse('Invalid redirect_uri');
  if (query.responseType !== 'code') return refuse('Invalid response_type');
  if (query.scopes.length === 0 || !query.scopes.every((scope) => SCOPE.test(scope))) return refuse('invalid scope');
  return proceed(query);
}

function consentPage(query: AuthorizeQuery, problem?: string): Reply {
  return html(problem === undefined ? 200 : 400, xeroConsentPage(query.clientId, XERO_USERS, problem));
}

/** The consent form: `decision` allow or deny, `user` a key, `tenant` repeated. */
function decide(parts: SimulatorParts, books: XeroBooks, request: SimRequest, query: AuthorizeQuery): Reply {
  const form = new URLSearchParams(request.body);
  const decision = form.get('decision');
  if (decision === 'deny') return redirect(callbackUrl(query, { error: 'access_denied' }));
  if (decision !== 'allow') return consentPage(query, 'Choose Allow or Deny.');
  const user = XERO_USERS.find(({ key }) => key === form.get('user'));
  if (!user) return consentPage(query, 'Choose who is signed in.');
  const wanted = form.getAll('tenant');
  const chosen = user.organisations.filter(({ tenantId }) => wanted.includes(tenantId));
  if (chosen.length === 0 || chosen.length !== new Set(wanted).size) {
    return consentPage(query, `Choose at least one of the organisations of ${user.name}.`);
  }
  const { clientId, redirectUri, scopes, nonce } = query;
  const eventId = randomUUID();
  const now = parts.now();
  for (const organisation of chosen) {
    books.connections.connect({ userId: user.userId, clientId }, organisation, eventId, now);
  }
  const code = parts.mint.random('', 43);
  const authorization = { clientId, redirectUri, scopes, subject: user.userId, eventId, ...(nonce ? { nonce } : {}) };
  books.vault.issueCode(authorization, code, now + XERO_CODE_LIFE_MS);
  return redirect(callbackUrl(query, { code, scope: scopes.join(' ') }));
}

/**
 * Revokes a refresh token and with it everything of that user: token set and all connections. Form with Basic; an
 * unknown token is no error (RFC 7009), an access token cannot be revoked.
 */
function beginRevocation(parts: SimulatorParts, desk: TokenDesk, books: XeroBooks, request: SimRequest): Work {
  const token = new URLSearchParams(request.body).get('token') ?? '';
  const family = desk.vault.familyOf(token);
  const note = {
    endpoint: 'revoke' as const,
    ...(family ? desk.owner(family.authorization.subject) : {}),
    ...(token ? { tokenHash: fingerprint(token) } : {}),
    inFlight: 1,
  };
  const perform = (): Reply => {
    const clientId = desk.clients.fromBasic(request, true);
    if (clientId === undefined) return oauthError(400, 'invalid_client');
    if (!token) return oauthError(400, 'invalid_request');
    const owned = family?.authorization.clientId === clientId;
    const isRefresh = desk.vault.checkAccess(token, desk.now()).kind === 'unknown';
    if (!owned || !isRefresh || !desk.vault.isLive(token, xeroRules(parts.settings), desk.now())) return empty(200);
    family.dead = true;
    const { subject } = family.authorization;
    books.connections.remove((connection) => connection.userId === subject && connection.clientId === clientId);
    return empty(200, { committed: true });
  };
  return work(perform, note);
}

function xeroFaultReply(fault: Fault, request: SimRequest, parts: SimulatorParts): Reply {
  if (fault.endpoint === 'api' || fault.endpoint === 'connections') return xeroApiFaultReply(fault);
  const { error } = fault;
  if (error === undefined) return empty(fault.status ?? 400);
  if (fault.endpoint !== 'authorize') return oauthError(fault.status ?? 400, error);
  return withValidQuery(parts, request, (query) => redirect(callbackUrl(query, { error })));
}

function discoveryDocument(origin: string): object {
  return {
    issuer: XERO_ISSUER,
    jwks_uri: `${origin}/.well-known/openid-configuration/jwks`,
    authorization_endpoint: `${origin}/identity/connect/authorize`,
    token_endpoint: `${origin}/connect/token`,
    revocation_endpoint: `${origin}/connect/revocation`,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['plain', 'S256'],
  };
}
