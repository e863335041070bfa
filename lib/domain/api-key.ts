import type { Instant } from './grant.ts';
import type { Scope } from './routes.ts';

/** What is kept of an API key: never the secret, only its SHA-256. */
export interface ApiKey {
  readonly v: 1;
  /** The key id, as in `gk_<env>_<id>_<secret>`. */
  readonly pk: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** `*`, or the organisations the key may see. */
  readonly organizations: '*' | readonly string[];
  readonly createdAt: Instant;
  readonly expiresAt?: Instant;
  readonly revokedAt?: Instant;
  readonly lastUsedAt?: Instant;
}
