import type { Tenant } from '../../lib/domain/flow.ts';
import type { Instant } from '../../lib/domain/grant.ts';
import { DAY, MINUTE } from '../support/grants.ts';

/**
 * What the provider does with a refresh token that was used. `reusable`: it stays good, and is not even sent back.
 * `daily`: it stays good for a day, then another comes and it dies. `grace`: each use brings another, and the old one
 * lives on for 30 minutes. `single`: it dies with its use. `family`: it dies with its use, and using it again ends the
 * authorisation.
 */
export type Rotation = 'reusable' | 'daily' | 'grace' | 'single' | 'family';
export const ROTATIONS: readonly Rotation[] = ['reusable', 'daily', 'grace', 'single', 'family'];

export const GRACE_MS = 30 * MINUTE;
/** Stands in every token, code and secret, so that one is recognised wherever it should not be. */
export const PLAINTEXT = 'PLAIN';

export interface IssuedToken {
  readonly value: string;
  readonly family: Family;
  readonly issuedAt: Instant;
  /** The one it came for; absent when it came for a code. */
  readonly before?: IssuedToken;
  spentAt?: Instant;
}

/** What one authorisation has issued. */
export interface Family {
  readonly subject: string;
  isAlive: boolean;
  newest: IssuedToken;
  /** Spent tokens that may be in their grace. */
  spent: IssuedToken[];
}

/** Tokens of one answer; `refresh` is absent where the provider does not send back one that stays good. */
export interface Issue {
  readonly access: string;
  readonly refresh?: string;
}

interface AccessToken {
  readonly family: Family;
  readonly expiresAt: Instant;
  /** What the code allowed, where it came for one. */
  readonly tenant: Tenant | undefined;
}

/** The truth about every token: one app at a provider that honours only the latest authorisation of a subject. */
export class SimProvider {
  readonly rotation: Rotation;
  /** Of access tokens. */
  readonly lifeSeconds: number;
  readonly #now: () => Instant;
  readonly #issued = new Map<string, IssuedToken>();
  readonly #access = new Map<string, AccessToken>();
  readonly #families = new Map<string, Family>();
  readonly #companies = new Map<string, Map<string, Tenant>>();
  readonly #attachedAt = new Map<string, Instant>();
  /** Since when each is. */
  readonly #suspended = new Map<string, Instant>();
  readonly #suspensions: { readonly subject: string; readonly from: Instant; readonly until: Instant }[] = [];

  constructor(rotation: Rotation, now: () => Instant) {
    this.rotation = rotation;
    this.lifeSeconds = rotation === 'grace' ? 1_800 : 3_600;
    this.#now = now;
  }

  /** Undefined: invalid_grant. */
  refresh(value: string): Issue | undefined {
    const token = this.#issued.get(value);
    if (token === undefined) return undefined;
    if (this.#isValid(token, this.#now())) return this.#rotate(token);
    if (this.rotation === 'family' && token.spentAt !== undefined) token.family.isAlive = false;
    return undefined;
  }

  /** The user allows one company more; earlier authorisations of his end. */
  authorise(subject: string, tenant: Tenant): Required<Issue> {
    const before = this.#families.get(subject);
    if (before !== undefined) before.isAlive = false;
    const family = { subject, isAlive: true, spent: [] } as unknown as Family;
    family.newest = this.#newToken(family);
    this.#families.set(subject, family);
    const companies = this.#companies.get(subject) ?? new Map<string, Tenant>();
    const connectionId = tenant.providerConnectionId ?? '';
    this.#companies.set(subject, companies.set(connectionId, tenant));
    this.#attachedAt.set(`${subject} ${connectionId}`, this.#now());
    return { access: this.#newAccess(family, tenant), refresh: family.newest.value };
  }

  revokeToken(value: string): void {
    const family = this.#issued.get(value)?.family;
    if (family !== undefined) family.isAlive = false;
  }

  /** The user takes the app off, in the provider's own pages. */
  revokeSubject(subject: string): void {
    const family = this.#families.get(subject);
    if (family !== undefined) family.isAlive = false;
    this.#companies.delete(subject);
  }

  /** The provider refuses the subject's tokens until it is lifted; nothing is revoked. */
  suspend(subject: string): void {
    if (!this.#suspended.has(subject)) this.#suspended.set(subject, this.#now());
  }

  lift(subject: string): void {
    const from = this.#suspended.get(subject);
    if (from === undefined) return;
    this.#suspended.delete(subject);
    this.#suspensions.push({ subject, from, until: this.#now() });
  }

  /** How long of the time since then the subject was suspended. */
  suspendedMs(subject: string, since: Instant): number {
    const now = this.#now();
    const open = { subject, from: this.#suspended.get(subject) ?? now, until: now };
    const own = [...this.#suspensions, open].filter((each) => each.subject === subject);
    return own.reduce((sum, { from, until }) => sum + Math.max(0, until - Math.max(from, since)), 0);
  }

  /** When it was last suspended; now, if it is. */
  suspendedAt(subject: string): Instant {
    if (this.#suspended.has(subject)) return this.#now();
    return this.#suspensions.findLast((each) => each.subject === subject)?.until ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * All companies of the user, or those of the authorisation that the token came from. Undefined: the token is
   * refused.
   */
  listing(value: string, thisAuthorizationOnly = false): readonly Tenant[] | undefined {
    const token = this.#liveAccess(value);
    if (token === undefined) return undefined;
    const all = [...(this.#companies.get(token.family.subject)?.values() ?? [])];
    return thisAuthorizationOnly ? all.filter(({ tenantId }) => tenantId === token.tenant?.tenantId) : all;
  }

  /** False: the token is refused. */
  detach(value: string, connectionId: string): boolean {
    const token = this.#liveAccess(value);
    if (token === undefined) return false;
    this.#companies.get(token.family.subject)?.delete(connectionId);
    return true;
  }

  /** When the user last allowed the company; undefined when it is not attached. */
  attachedAt(subject: string, connectionId: string): Instant | undefined {
    return this.#companies.get(subject)?.has(connectionId)
      ? this.#attachedAt.get(`${subject} ${connectionId}`)
      : undefined;
  }

  /** Whose access token it is. */
  subjectOf(value: string): string | undefined {
    return this.#access.get(value)?.family.subject;
  }

  /** Whose refresh token it is. */
  ownerOf(value: string): string | undefined {
    return this.#issued.get(value)?.family.subject;
  }

  token(value: string): IssuedToken | undefined {
    return this.#issued.get(value);
  }

  /** Tokens of the subject that would be accepted now, and still after `forMs`. */
  valid(subject: string, forMs = 0): readonly IssuedToken[] {
    const family = this.#families.get(subject);
    if (family === undefined || !family.isAlive || this.#suspended.has(subject)) return [];
    const at = this.#now() + forMs;
    return [family.newest, ...family.spent.filter((token) => this.#isValid(token, at))];
  }

  #isValid(token: IssuedToken, at: Instant): boolean {
    const { family, spentAt } = token;
    if (!family.isAlive || this.#suspended.has(family.subject)) return false;
    const isInGrace = this.rotation === 'grace' && spentAt !== undefined && at - spentAt <= GRACE_MS;
    return family.newest === token || isInGrace;
  }

  #rotate(token: IssuedToken): Issue {
    const { family } = token;
    const isYoung = this.rotation === 'daily' && this.#now() - token.issuedAt < DAY;
    if (this.rotation === 'reusable') return { access: this.#newAccess(family) };
    if (isYoung) return { access: this.#newAccess(family), refresh: token.value };
    token.spentAt ??= this.#now();
    // Whatever an earlier use has brought gives way to what this one brings.
    if (family.newest !== token) family.newest.spentAt ??= this.#now() - GRACE_MS - 1;
    if (this.rotation === 'grace' && !family.spent.includes(token)) family.spent.push(token);
    family.newest = this.#newToken(family, token);
    return { access: this.#newAccess(family), refresh: family.newest.value };
  }

  #newToken(family: Family, before?: IssuedToken): IssuedToken {
    const value = `${PLAINTEXT}-refresh-${this.#issued.size + 1}`;
    const token = { value, family, issuedAt: this.#now(), ...(before === undefined ? {} : { before }) };
    this.#issued.set(value, token);
    return token;
  }

  #newAccess(family: Family, tenant?: Tenant): string {
    const value = `${PLAINTEXT}-access-${this.#access.size + 1}`;
    this.#access.set(value, { family, expiresAt: this.#now() + this.lifeSeconds * 1000, tenant });
    return value;
  }

  #liveAccess(value: string): AccessToken | undefined {
    const token = this.#access.get(value);
    if (token === undefined) return undefined;
    const { family, expiresAt } = token;
    return family.isAlive && expiresAt > this.#now() && !this.#suspended.has(family.subject) ? token : undefined;
  }
}
