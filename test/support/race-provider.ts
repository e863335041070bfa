import type { Tenant } from '../../lib/domain/flow.ts';
import type { Instant } from '../../lib/domain/grant.ts';
import { DAY, HOUR, MINUTE } from './grants.ts';
import type { Worker } from './race-scheduler.ts';

/**
 * How the provider rotates: `single` at every use, the spent token dies at once; `grace` at every use, the spent one lives
 * for 30 minutes; `daily` the same token for a day, then a new one, and the old dies.
 */
export type Rotation = 'single' | 'grace' | 'daily';

export interface IssuedToken {
  readonly value: string;
  readonly family: Family;
  readonly issuedAt: Instant;
  /** Whoever it was sent to; it is in flight until that one has ended. */
  readonly carrier: Worker;
  spentAt?: Instant;
  /** It has been in the store. */
  kept: boolean;
  /** It need not be in the store: its answer was cut, its carrier died, or a disconnect ended it. */
  lost: boolean;
}

interface Family {
  readonly subject: string;
  alive: boolean;
  newest?: IssuedToken;
}

/** One app at a provider that honours only the latest authorisation of a subject and punishes concurrent refreshes. */
export function createRaceProvider(rotation: Rotation, now: () => Instant) {
  const issued = new Map<string, IssuedToken>();
  const access = new Map<string, { readonly family: Family; readonly expiresAt: Instant }>();
  const families = new Map<string, Family>();
  const companies = new Map<string, Map<string, Tenant>>();
  const lifeMs = rotation === 'grace' ? 30 * MINUTE : HOUR;

  function isValid(token: IssuedToken, at = now()): boolean {
    const inGrace = rotation === 'grace' && token.spentAt !== undefined && at - token.spentAt <= 30 * MINUTE;
    return token.family.alive && (token.family.newest === token || inGrace);
  }
  function issue(family: Family, carrier: Worker): IssuedToken {
    const value = `refresh-${issued.size + 1}`;
    const token: IssuedToken = { value, family, issuedAt: now(), carrier, kept: false, lost: false };
    issued.set(value, token);
    family.newest = token;
    return token;
  }
  function accessFor(family: Family): string {
    const value = `access-${access.size + 1}`;
    access.set(value, { family, expiresAt: now() + lifeMs });
    return value;
  }
  const isLive = (value: string) => {
    const token = access.get(value);
    return token?.family.alive === true && token.expiresAt > now();
  };
  return {
    lifeSeconds: lifeMs / 1000,
    /** Undefined: invalid_grant. */
    refresh(value: string, carrier: Worker) {
      const token = issued.get(value);
      if (token === undefined || !isValid(token)) return undefined;
      if (rotation === 'daily' && now() - token.issuedAt < DAY) {
        return { access: accessFor(token.family), refresh: token.value };
      }
      token.spentAt ??= now();
      return { access: accessFor(token.family), refresh: issue(token.family, carrier).value };
    },
    /** The user allows one company. */
    authorise(subject: string, tenant: Tenant, carrier: Worker) {
      const before = families.get(subject);
      if (before !== undefined) before.alive = false;
      const family: Family = { subject, alive: true };
      families.set(subject, family);
      companies.set(subject, (companies.get(subject) ?? new Map()).set(tenant.providerConnectionId ?? '', tenant));
      return { access: accessFor(family), refresh: issue(family, carrier).value };
    },
    revokeToken(value: string): void {
      const family = issued.get(value)?.family;
      if (family !== undefined) family.alive = false;
    },
    /** The user takes the app off, in the provider's own pages. */
    revokeSubject(subject: string): void {
      const family = families.get(subject);
      if (family !== undefined) family.alive = false;
      companies.delete(subject);
    },
    subjectOf: (value: string) => access.get(value)?.family.subject,
    listing(value: string): readonly Tenant[] | undefined {
      return isLive(value) ? [...(companies.get(access.get(value)?.family.subject ?? '')?.values() ?? [])] : undefined;
    },
    detach(value: string, connectionId: string): boolean {
      if (!isLive(value)) return false;
      companies.get(access.get(value)?.family.subject ?? '')?.delete(connectionId);
      return true;
    },
    /** Tokens of the subject that would be accepted now, and still after `forMs`. */
    valid: (subject: string, forMs = 0) =>
      [...issued.values()].filter(
        (token) => token.family.subject === subject && isValid(token) && isValid(token, now() + forMs),
      ),
    /** It is in the store; one that a disconnect has ended need not stay there. */
    keep(value: string, { ended }: { readonly ended: boolean }): void {
      const token = issued.get(value);
      if (token === undefined) return;
      token.kept = true;
      token.lost = ended;
    },
    isCarrying: (worker: Worker) => [...issued.values()].some(({ carrier, kept }) => carrier === worker && !kept),
    /** Whatever was on its way to that worker and is not in the store is lost with it. */
    lose(carrier: Worker): void {
      for (const token of issued.values()) if (token.carrier === carrier && !token.kept) token.lost = true;
    },
  };
}

export type RaceProvider = ReturnType<typeof createRaceProvider>;
