import type { Authorization } from '../../lib/domain/bank-decision.ts';
import type { Flow } from '../../lib/domain/flow.ts';
import { DAY, HOUR, T0 } from '../support/grants.ts';
import { intern } from './intern.ts';
import type { Coming, Setting } from './setting.ts';
import { sealed } from './tokens.ts';

/** The tokens of a code exchange, as finish-connect seals them. */
export function authorizationOf(
  { provider, grant }: Pick<Setting, 'provider' | 'grant'>,
  given: {
    readonly flow: string;
    readonly generation: string;
    /** The provider's name for the refresh token. */
    readonly name: string;
    readonly now: number;
    readonly organizationId: string;
  },
): Authorization {
  const { flow, generation, name, now, organizationId } = given;
  return intern({
    provider,
    subject: 'subject',
    grant,
    generation,
    attemptId: flow,
    clientId: 'client-1',
    environment: 'sandbox',
    scopes: [],
    access: { ...sealed('access', flow), obtainedAt: now, expiresAt: now + HOUR },
    refresh: sealed(name, flow),
    refreshExpiresAt: now + 60 * DAY,
    organizationId,
  });
}

/** A flow whose user has come back with a code, pinned to the connection as it was when he went. */
export function comingFlow({ provider }: Pick<Setting, 'provider'>, coming: Coming, pinnedVersion: number): Flow {
  return {
    v: 1,
    pk: coming.flow,
    stage: 'authorizing',
    organizationId: coming.organizationId,
    provider,
    pinnedVersion,
    redirectUri: 'https://gk.example/callback',
    createdAt: T0,
    expiresAt: T0 + DAY,
    ttl: 0,
  };
}
