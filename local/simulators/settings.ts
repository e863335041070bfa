import type { ProviderId } from '../../lib/domain/names.ts';

/** When a refresh gives a new refresh token value (providers.md §1.6 lists who reports which). */
export const ROTATIONS = ['daily', 'every_call', 'daily_with_24h_grace'] as const;
type Rotation = (typeof ROTATIONS)[number];

/** What `POST /_sim/config` can change while the simulator runs. */
export interface Settings {
  accessTokenSeconds: number;
  rotation: Rotation;
  /** How long a displaced refresh token is still accepted. QuickBooks uses it in `daily_with_24h_grace` only. */
  graceSeconds: number;
  /** Two refreshes of one token in flight: the second is refused and the first one's result revoked. */
  punishConcurrent: boolean;
  /** Real milliseconds between the arrival of a request and its processing; this is what makes requests overlap. */
  latencyMs: number;
  /** Lifetimes in token answers as `"3600"` instead of `3600`, as some Intuit fixtures have them. */
  numbersAsStrings: boolean;
  /** Length of a QuickBooks access token; Intuit allows up to 4096. */
  accessTokenChars: number;
  /** How far the provider's `Date` header is off. */
  dateSkewSeconds: number;
}

const DEFAULTS = {
  quickbooks: {
    accessTokenSeconds: 3600,
    rotation: 'daily',
    graceSeconds: 86_400,
    punishConcurrent: true,
    latencyMs: 25,
    numbersAsStrings: false,
    accessTokenChars: 1000,
    dateSkewSeconds: 0,
  },
  xero: {
    accessTokenSeconds: 1800,
    rotation: 'every_call',
    graceSeconds: 1800,
    // Xero asks for one refresher at a time but documents no punishment (providers.md §2.2).
    punishConcurrent: false,
    latencyMs: 25,
    numbersAsStrings: false,
    accessTokenChars: 1000,
    dateSkewSeconds: 0,
  },
} as const satisfies Record<ProviderId, Settings>;

/** A fresh copy of what the provider does when nobody has changed anything. */
export function defaultSettings(provider: ProviderId): Settings {
  return { ...DEFAULTS[provider] };
}
