import type { ProviderId } from '../../lib/domain/names.ts';
import { parseConfig, parseFault, parseRevoke, parseSecret, ValidationProblem } from './admin-input.ts';
import type { Clients } from './clients.ts';
import { json, type Reply, type SimRequest } from './exchange.ts';
import type { FaultPlan } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Mint } from './mint.ts';
import type { Settings } from './settings.ts';

/** What the admin surface of one provider may look at and change. */
export interface AdminDesk {
  readonly provider: ProviderId;
  readonly settings: Settings;
  readonly faults: FaultPlan;
  readonly ledger: Ledger;
  readonly clients: Clients;
  readonly mint: Mint;
  disconnectTenant(tenantId: string): number | undefined;
  reset(): void;
}

type Handler = (desk: AdminDesk, body: unknown) => object;

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET /_sim/ledger': (desk) => ({ entries: desk.ledger.entries(desk.provider) }),
  'GET /_sim/issued': (desk) => ({ secrets: desk.mint.issued() }),
  'GET /_sim/config': (desk) => ({ config: desk.settings }),
  'POST /_sim/config': (desk, body) => ({
    config: Object.assign(desk.settings, parseConfig(desk.provider, body)),
  }),
  'POST /_sim/faults': (desk, body) => {
    desk.faults.add(parseFault(body));
    return { faults: desk.faults.pending() };
  },
  'DELETE /_sim/faults': (desk) => {
    desk.faults.clear();
    return { faults: desk.faults.pending() };
  },
  'POST /_sim/revoke': (desk, body) => {
    const disconnected = desk.disconnectTenant(parseRevoke(body));
    if (disconnected === undefined) throw new ValidationProblem('tenantId', 'no such company at this provider');
    return { disconnected };
  },
  'POST /_sim/secret': (desk, body) => {
    const clientSecret = parseSecret(body);
    desk.mint.remember(clientSecret);
    desk.clients.rotateSecret(clientSecret);
    return { rotated: true };
  },
  'POST /_sim/reset': (desk) => {
    desk.reset();
    return { reset: true };
  },
};

/** Answers `/_sim/*`: 200 with JSON, 400 naming the field, 404 or 405 for what does not exist. */
export function answerAdmin(desk: AdminDesk, request: SimRequest): Reply {
  const { pathname } = request.url;
  const handler = HANDLERS[`${request.method} ${pathname}`];
  if (!handler) {
    const otherMethod = Object.keys(HANDLERS).some((key) => key.endsWith(` ${pathname}`));
    return otherMethod
      ? problem(405, 'method_not_allowed', 'use the other method')
      : problem(404, 'not_found', `nothing at ${pathname}`);
  }
  try {
    return json(200, handler(desk, request.method === 'POST' ? parseJson(request.body) : undefined));
  } catch (error) {
    if (error instanceof ValidationProblem) return problem(400, 'bad_request', error.message, error.field);
    throw error;
  }
}

function parseJson(body: string): unknown {
  if (body.trim() === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new ValidationProblem('body', 'not JSON');
  }
}

function problem(status: number, code: string, message: string, field?: string): Reply {
  return json(status, { error: { code, message, ...(field === undefined ? {} : { field }) } });
}
