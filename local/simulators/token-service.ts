import type { Flight, Flights } from './flights.ts';
import type { RefreshChain, RotationRules } from './refresh-chain.ts';
import type { Settings } from './settings.ts';
import type { Family, Refusal, TokenVault } from './token-vault.ts';

/** What the two providers do differently when they issue tokens, and how they say no. */
export interface Dialect {
  readonly rules: (settings: Settings) => RotationRules;
  /** Whether a second refresh of a token in flight is refused even when nobody is punished for it. */
  readonly refusesSecondInFlight: boolean;
  readonly issuesRefreshToken: (family: Family) => boolean;
  readonly newRefreshValue: (now: number) => string;
  readonly newAccessToken: (family: Family, now: number, settings: Settings) => string;
  /** The fields of the answer beside access and refresh token. */
  readonly otherFields: (issue: Issue) => Readonly<Record<string, unknown>>;
  /** Called when a code has given a new family (Xero: the user's earlier ones are superseded). */
  readonly onNewFamily?: (family: Family) => void;
  readonly describe: (phase: 'code' | 'refresh', refusal: Refusal | 'concurrent') => string | undefined;
}

/** One set of tokens about to be told. */
export interface Issue {
  readonly phase: 'code' | 'refresh';
  readonly family: Family;
  readonly chain?: RefreshChain;
  readonly now: number;
  readonly settings: Settings;
  /** The client asked for Intuit's hard expiry. */
  readonly wantsHardExpiry: boolean;
}

/** What the token endpoint will say. */
export type TokenAnswer =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>>; readonly rotated?: boolean }
  | { readonly ok: false; readonly body: { readonly error: string; readonly error_description?: string } };

interface Asked {
  readonly clientId: string;
  readonly now: number;
  readonly wantsHardExpiry: boolean;
}

/** The token endpoint without HTTP: codes and refresh tokens in, answers out. */
export class TokenService {
  readonly #dialect: Dialect;
  readonly #vault: TokenVault;
  readonly #flights: Flights;
  readonly #settings: () => Settings;

  constructor(parts: { dialect: Dialect; vault: TokenVault; flights: Flights; settings: () => Settings }) {
    this.#dialect = parts.dialect;
    this.#vault = parts.vault;
    this.#flights = parts.flights;
    this.#settings = parts.settings;
  }

  exchange(code: string, redirectUri: string, asked: Asked): TokenAnswer {
    const redeemed = this.#vault.redeemCode(code, { clientId: asked.clientId, redirectUri, now: asked.now });
    if (redeemed.kind !== 'ok') return this.#refuse('code', redeemed.kind);
    const { family } = redeemed;
    this.#dialect.onNewFamily?.(family);
    const chain = this.#dialect.issuesRefreshToken(family)
      ? this.#vault.startChain(family, this.#dialect.newRefreshValue(asked.now), asked.now)
      : undefined;
    return { ok: true, body: this.#issue({ phase: 'code', family, ...(chain ? { chain } : {}) }, asked) };
  }

  /**
   * Refreshes. Two at once with one value: Intuit documents that the second gets invalid_grant and that the token
   * given to the first may be revoked (providers.md §0.2).
   */
  refresh(value: string, flight: Flight, asked: Asked): TokenAnswer {
    const { punishConcurrent } = this.#settings();
    if (flight.second && (punishConcurrent || this.#dialect.refusesSecondInFlight)) {
      if (punishConcurrent) for (const family of this.#flights.resultsOfRivals(flight)) family.dead = true;
      return this.#refuse('refresh', 'concurrent');
    }
    const result = this.#vault.refresh(value, {
      clientId: asked.clientId,
      now: asked.now,
      rules: this.#dialect.rules(this.#settings()),
      newValue: () => this.#dialect.newRefreshValue(asked.now),
    });
    if (result.kind !== 'ok') return this.#refuse('refresh', result.kind);
    const { family, chain, rotated } = result;
    const body = this.#issue({ phase: 'refresh', family, chain }, asked);
    flight.result = family;
    if (punishConcurrent && flight.collided) family.dead = true;
    return { ok: true, body, rotated };
  }

  #issue(issue: Pick<Issue, 'phase' | 'family' | 'chain'>, asked: Asked): Record<string, unknown> {
    const settings = this.#settings();
    const accessToken = this.#dialect.newAccessToken(issue.family, asked.now, settings);
    this.#vault.addAccessToken(issue.family, accessToken, asked.now + settings.accessTokenSeconds * 1000);
    const others = this.#dialect.otherFields({ ...issue, ...asked, settings });
    const fields = {
      access_token: accessToken,
      expires_in: settings.accessTokenSeconds,
      ...(issue.chain ? { refresh_token: issue.chain.current.value } : {}),
      ...others,
    };
    return settings.numbersAsStrings ? numbersAsStrings(fields) : fields;
  }

  #refuse(phase: 'code' | 'refresh', refusal: Refusal | 'concurrent'): TokenAnswer {
    const description = this.#dialect.describe(phase, refusal);
    return {
      ok: false,
      body: { error: 'invalid_grant', ...(description === undefined ? {} : { error_description: description }) },
    };
  }
}

function numbersAsStrings(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}
