import { randomUUID } from 'node:crypto';
import { bearerToken, empty, json, type Reply, type SimRequest, type Work, work } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { Authorization, TokenVault } from './token-vault.ts';
import { connectionItem, type XeroConnections } from './xero-connections.ts';

/** What the resource API stands on. */
export interface XeroBooks {
  readonly vault: TokenVault;
  readonly connections: XeroConnections;
  readonly now: () => number;
}

/** GET /connections[?authEventId=]: the organisations of the token's user and app. */
export function listConnections(books: XeroBooks, request: SimRequest): Reply {
  return withToken(books, request, (authorization) => {
    const eventId = request.url.searchParams.get('authEventId');
    const listed = books.connections
      .list(ownerOf(authorization))
      .filter((connection) => eventId === null || connection.authEventId === eventId);
    return json(200, listed.map(connectionItem));
  });
}

/** DELETE /connections/{id}: 204, or 404 when it is not (any more) this user's. The tokens live on. */
export function beginDeleteConnection(books: XeroBooks, request: SimRequest, id: string): Work {
  const owner = books.vault.familyOf(bearerToken(request) ?? '')?.authorization;
  const connection = owner && books.connections.byId(ownerOf(owner), id);
  const note = {
    endpoint: 'connections' as const,
    ...(connection ? { tenantId: connection.organisation.tenantId } : {}),
    ...(owner ? { subject: owner.subject } : {}),
    inFlight: 1,
  };
  const perform = (): Reply =>
    withToken(books, request, (authorization) => {
      const found = books.connections.byId(ownerOf(authorization), id);
      if (!found) return problem(404, 'Not Found', 'Connection not found');
      books.connections.remove((other) => other === found);
      return empty(204, { committed: true });
    });
  return work(perform, note);
}

/** GET /api.xro/2.0/Organisation for the tenant in `xero-tenant-id`. */
export function getOrganisation(books: XeroBooks, request: SimRequest): Reply {
  return withToken(books, request, (authorization) => {
    const tenantId = String(request.headers['xero-tenant-id'] ?? '');
    const connection = books.connections.find(ownerOf(authorization), tenantId);
    if (!connection) return problem(403, 'Forbidden', 'AuthenticationUnsuccessful');
    if (!authorization.scopes.some((scope) => scope.startsWith('accounting.settings'))) {
      return problem(401, 'Unauthorized', 'AuthorizationUnsuccessful');
    }
    return json(200, {
      Id: randomUUID(),
      Status: 'OK',
      ProviderName: 'Simulator',
      DateTimeUTC: `/Date(${books.now()})/`,
      Organisations: [
        {
          OrganisationID: tenantId,
          Name: connection.organisation.name,
          LegalName: connection.organisation.name,
          CountryCode: 'AU',
          BaseCurrency: 'AUD',
          OrganisationStatus: 'ACTIVE',
          IsDemoCompany: true,
        },
      ],
    });
  });
}

/** A `status` or `error_json` fault on the API; `error` becomes the Detail, such as `AuthenticationUnsuccessful`. */
export function xeroApiFaultReply(fault: Fault): Reply {
  const status = fault.status ?? 400;
  return fault.error === undefined ? empty(status) : problem(status, TITLES[status] ?? 'Error', fault.error);
}

const TITLES: Readonly<Record<number, string>> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' };

function ownerOf({ subject, clientId }: Authorization): { userId: string; clientId: string } {
  return { userId: subject, clientId };
}

/**
 * Access tokens are JWTs: they stand until they run out, whatever happened to their family; what they open is decided
 * by the connections.
 */
function withToken(books: XeroBooks, request: SimRequest, proceed: (authorization: Authorization) => Reply): Reply {
  const access = books.vault.checkAccess(bearerToken(request) ?? '', books.now());
  if (access.kind === 'unknown') return problem(401, 'Unauthorized', 'AuthenticationUnsuccessful');
  if (access.kind === 'expired') return problem(401, 'Unauthorized', 'TokenExpired: token expired');
  return proceed(access.family.authorization);
}

function problem(status: number, title: string, detail: string): Reply {
  const body = { Type: null, Title: title, Status: status, Detail: detail, Instance: randomUUID(), Extensions: {} };
  return json(status, body, { outcome: detail.split(':', 1)[0] ?? title });
}
