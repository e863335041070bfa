import type { Clients } from './clients.ts';
import { json, type Reply, type SimRequest, type Work, work } from './exchange.ts';
import type { Flights } from './flights.ts';
import type { LedgerNote } from './ledger.ts';
import { fingerprint } from './mint.ts';
import type { TokenAnswer, TokenService } from './token-service.ts';
import type { TokenVault } from './token-vault.ts';

/** What a token or revoke endpoint stands on. */
export interface TokenDesk {
  readonly clients: Clients;
  readonly vault: TokenVault;
  readonly flights: Flights;
  readonly service: TokenService;
  readonly now: () => number;
  /** RFC 6749 asks for 401 after Basic; Xero's is not known and kept at 400 (providers.md §2.3). */
  readonly invalidClientStatus: 400 | 401;
  readonly decodesBasic: boolean;
  /** Names the owner of a family as the ledger does. */
  readonly owner: (subject: string) => Pick<LedgerNote, 'tenantId' | 'subject'>;
}

/** POST to the token endpoint: authorization_code and refresh_token, form bodies only. */
export function beginTokenRequest(desk: TokenDesk, request: SimRequest): Work {
  const form = new URLSearchParams(request.body);
  const grantType = form.get('grant_type') ?? '';
  const presented = form.get(grantType === 'refresh_token' ? 'refresh_token' : 'code') ?? '';
  const subject = desk.vault.familyOf(presented)?.authorization.subject ?? desk.vault.codeSubject(presented);
  const base = {
    endpoint: 'token' as const,
    ...(grantType ? { grantType } : {}),
    ...(subject === undefined ? {} : desk.owner(subject)),
    ...(presented ? { tokenHash: fingerprint(presented) } : {}),
  };
  const refusal = refuseBeforehand(desk, request, { form, grantType, presented });
  if (typeof refusal !== 'string') return work(() => refusal, { ...base, inFlight: 1 });
  const clientId = refusal;
  const flight = desk.flights.begin(presented, desk.vault.familyOf(presented));
  const wantsHardExpiry = request.headers['x-include-refresh-token-hard-expires-in'] === 'true';
  return {
    note: { ...base, inFlight: flight.inFlight },
    perform() {
      const asked = { clientId, now: desk.now(), wantsHardExpiry };
      if (grantType === 'refresh_token') return tokenReply(desk.service.refresh(presented, flight, asked));
      return tokenReply(desk.service.exchange(presented, form.get('redirect_uri') ?? '', asked));
    },
    end: () => desk.flights.end(flight),
  };
}

/** An error in the form of RFC 6749 §5.2. */
export function oauthError(status: number, error: string, description?: string): Reply {
  const body = { error, ...(description === undefined ? {} : { error_description: description }) };
  return json(status, body, { outcome: error });
}

/** The client id, or why the request is refused before any token is looked at. */
function refuseBeforehand(
  desk: TokenDesk,
  request: SimRequest,
  { form, grantType, presented }: { form: URLSearchParams; grantType: string; presented: string },
): string | Reply {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    return oauthError(400, 'invalid_request');
  }
  const clientId = desk.clients.fromBasic(request, desk.decodesBasic) ?? desk.clients.fromForm(form);
  if (clientId === undefined) return oauthError(desk.invalidClientStatus, 'invalid_client');
  if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
    return oauthError(400, grantType ? 'unsupported_grant_type' : 'invalid_request');
  }
  return presented ? clientId : oauthError(400, 'invalid_request');
}

function tokenReply(answer: TokenAnswer): Reply {
  if (!answer.ok) return json(400, answer.body, { outcome: answer.body.error });
  const rotated = answer.rotated === undefined ? {} : { rotated: answer.rotated };
  return json(200, answer.body, { committed: true, ...rotated });
}
