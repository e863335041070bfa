import { isAccepted, type RefreshChain, type RotationRules, startChain, useRefreshValue } from './refresh-chain.ts';

/** What a user agreed to; a code stands for it, and a family of tokens comes of it. */
export interface Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** Whom the tokens belong to: a realm id, or a Xero user id. */
  readonly subject: string;
  /** Id of this one consent (Xero's `authentication_event_id`). */
  readonly eventId: string;
  readonly nonce?: string;
}

/** All tokens that came of one code. */
export interface Family {
  readonly authorization: Authorization;
  readonly startedAt: number;
  chain?: RefreshChain;
  dead: boolean;
}

/** Why a code or a refresh token was refused. */
export type Refusal = 'unknown' | 'other_client' | 'expired' | 'replaced' | 'dead' | 'replayed' | 'mismatch';

export type RedeemResult = { readonly kind: 'ok'; readonly family: Family } | { readonly kind: Refusal };
export type RefreshResult =
  | { readonly kind: 'ok'; readonly family: Family; readonly chain: RefreshChain; readonly rotated: boolean }
  | { readonly kind: Refusal; readonly family?: Family };

interface CodeRecord {
  readonly authorization: Authorization;
  readonly expiresAt: number;
  spent: boolean;
  family?: Family;
}

interface TokenRecord {
  readonly family: Family;
  readonly kind: 'access' | 'refresh';
  /** Access tokens only. */
  readonly expiresAt?: number;
}

/**
 * Codes, families and tokens of one simulated provider: what was issued, to whom, and whether it still counts.
 * No input or output and no clock of its own.
 */
export class TokenVault {
  readonly #codes = new Map<string, CodeRecord>();
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #families = new Set<Family>();

  /** A code for what the user agreed to, good for one redemption before `expiresAt`. */
  issueCode(authorization: Authorization, code: string, expiresAt: number): void {
    this.#codes.set(code, { authorization, expiresAt, spent: false });
  }

  /** Whose code it is, without spending it. */
  codeSubject(code: string): string | undefined {
    return this.#codes.get(code)?.authorization.subject;
  }

  /** Spends a code. A second use kills what the first one gave (RFC 6749 §4.1.2; Intuit staff, oauth-jsclient #173). */
  redeemCode(code: string, by: { clientId: string; redirectUri: string; now: number }): RedeemResult {
    const record = this.#codes.get(code);
    if (!record) return { kind: 'unknown' };
    if (record.authorization.clientId !== by.clientId) return { kind: 'other_client' };
    if (record.spent) {
      if (record.family) record.family.dead = true;
      return { kind: 'replayed' };
    }
    record.spent = true;
    if (by.now >= record.expiresAt) return { kind: 'expired' };
    if (record.authorization.redirectUri !== by.redirectUri) return { kind: 'mismatch' };
    const family: Family = { authorization: record.authorization, startedAt: by.now, dead: false };
    record.family = family;
    this.#families.add(family);
    return { kind: 'ok', family };
  }

  /** Gives a new family its first refresh token. */
  startChain(family: Family, value: string, now: number): RefreshChain {
    family.chain = startChain(value, now);
    this.#tokens.set(value, { family, kind: 'refresh' });
    return family.chain;
  }

  /** Presents a refresh token; an accepted one moves the family on. */
  refresh(
    value: string,
    by: { clientId: string; now: number; rules: RotationRules; newValue: () => string },
  ): RefreshResult {
    const record = this.#tokens.get(value);
    if (!record) return { kind: 'unknown' };
    const { family } = record;
    // An access token in the place of a refresh token gets Intuit's same complaint as a foreign one.
    if (record.kind === 'access' || family.authorization.clientId !== by.clientId) {
      return { kind: 'other_client', family };
    }
    if (family.dead || !family.chain) return { kind: 'dead', family };
    const next = (): string => {
      const issued = by.newValue();
      this.#tokens.set(issued, { family, kind: 'refresh' });
      return issued;
    };
    const use = useRefreshValue(family.chain, value, { rules: by.rules, now: by.now, next });
    if (use.kind !== 'accepted') return { kind: use.kind, family };
    family.chain = use.chain;
    return { kind: 'ok', family, chain: use.chain, rotated: use.rotated };
  }

  addAccessToken(family: Family, token: string, expiresAt: number): void {
    this.#tokens.set(token, { family, kind: 'access', expiresAt });
  }

  /** The family of any token ever issued, dead or alive. */
  familyOf(token: string): Family | undefined {
    return this.#tokens.get(token)?.family;
  }

  /** Whether an access token or a refresh token would be honoured now. */
  isLive(token: string, rules: RotationRules, now: number): boolean {
    const record = this.#tokens.get(token);
    if (!record || record.family.dead) return false;
    if (record.kind === 'access') return now < (record.expiresAt ?? 0);
    return record.family.chain !== undefined && isAccepted(record.family.chain, token, rules, now);
  }

  /** Looks an access token up for the resource API. */
  checkAccess(token: string, now: number): { kind: 'ok' | 'expired' | 'dead'; family: Family } | { kind: 'unknown' } {
    const record = this.#tokens.get(token);
    if (record?.kind !== 'access') return { kind: 'unknown' };
    if (now >= (record.expiresAt ?? 0)) return { kind: 'expired', family: record.family };
    return { kind: record.family.dead ? 'dead' : 'ok', family: record.family };
  }

  /** Kills every living family that fits; gives how many. */
  kill(fits: (family: Family) => boolean): number {
    const doomed = [...this.#families].filter((family) => !family.dead && fits(family));
    for (const family of doomed) family.dead = true;
    return doomed.length;
  }
}
