import type { ProviderEnvironment, ProviderId } from '../domain/names.ts';

/**
 * Everything that is particular to one provider, as data. Code asks fields, never names; a new provider is one file of
 * this shape and one line in the registry (providers.md lists the sources of each fact beside the value).
 */
export interface ProviderDescriptor {
  readonly id: ProviderId;
  /** As its users know it. */
  readonly displayName: string;
  readonly origins: {
    /** Where the browser is sent. */
    readonly authorize: string;
    readonly token: string;
    readonly revoke: string;
    /** Base of the resource API, by environment. */
    readonly api: Readonly<Record<ProviderEnvironment, string>>;
  };
  readonly paths: { readonly authorize: string; readonly token: string; readonly revoke: string };
  readonly scopes: readonly string[];
  readonly authorizeParameters: Readonly<Record<string, string>>;
  /** How client id and secret are joined in the Basic header: RFC 6749 §2.3.1 form-encodes them, many providers do not. */
  readonly clientAuth: 'basic_raw' | 'basic_formencoded';
  /** Extra headers of exchange and refresh. */
  readonly tokenHeaders: Readonly<Record<string, string>>;
  readonly tokenResponse: {
    /** Field with the idle life of the refresh token in seconds, if the provider tells it. */
    readonly refreshExpiresIn?: string;
    /** Field with what is left of the grant's hard life in seconds. */
    readonly hardExpiresIn?: string;
    /** Whether leaving the refresh token out of an answer to a refresh is normal; elsewhere its absence is worth a look. */
    readonly refreshTokenOptional: boolean;
    /** Answer header to keep for the provider's support. */
    readonly traceHeader?: string;
  };
  readonly rotation: {
    readonly kind: 'none' | 'periodic' | 'every_use';
    /** How long a displaced refresh token is still accepted; 0 = not at all. */
    readonly graceSeconds: number;
  };
  readonly lifetimes: {
    readonly accessSeconds: number;
    /** Idle life of a refresh token, used when the response does not tell it. */
    readonly refreshIdleSeconds: number;
    readonly hardSeconds?: number;
  };
  /** Margins of design §6; each is also bounded by a share of the token's life. */
  readonly margins: {
    readonly refreshAheadSeconds: number;
    readonly onDemandSeconds: number;
    readonly keepAliveSeconds: number;
  };
  /** Who a grant belongs to: one company, or a user with several companies. */
  readonly subject:
    | { readonly kind: 'company'; readonly callbackParameter: string }
    | { readonly kind: 'user'; readonly accessTokenClaim: string };
  readonly tenants:
    | {
        readonly kind: 'callback';
        /** `{tenantId}` in the path is the company. The name stands at the end of `field`; what contains it proves the company. */
        readonly companyName: { readonly path: string; readonly field: readonly string[] };
      }
    | {
        readonly kind: 'list';
        readonly path: string;
        /** Access-token claim and query parameter that narrow the list to this authorisation. */
        readonly authorization?: { readonly claim: string; readonly parameter: string };
        readonly fields: { readonly id: string; readonly name: string; readonly connectionId: string };
        /** Entries are companies only where this field has this value. */
        readonly only?: { readonly field: string; readonly value: string };
      };
  /** How a resource API call says which company it means. */
  readonly tenantTransport: { readonly kind: 'path' } | { readonly kind: 'header'; readonly name: string };
  readonly disconnect:
    | {
        /** Ends the whole grant. */
        readonly kind: 'revoke';
        readonly encoding: 'json' | 'form';
        readonly doneStatuses: readonly number[];
      }
    | {
        /** Ends one company's connection, leaving the grant alive. `{id}` is the provider's connection id. */
        readonly kind: 'detach';
        readonly path: string;
        readonly doneStatuses: readonly number[];
      };
  /** Asked in order; the first that matches gives the class. */
  readonly errorRules: readonly ErrorRule[];
  /** Wait after a 429 that names none. */
  readonly throttleSeconds: number;
}

/** What was asked of the provider; an error may mean different things (providers.md §4.1, 4.2, 4.4). */
export type TokenPhase = 'refresh' | 'exchange' | 'revoke';

/** What is looked at in an answer of the token endpoint that is not an OK. */
export interface ErrorRule {
  /** Only for answers to this; absent: to all. */
  readonly phase?: TokenPhase;
  /** One status, or first and last of a range. */
  readonly status?: number | readonly [number, number];
  /** RFC 6749 §5.2 `error`, one or any of several. `null`: the body names none. */
  readonly error?: string | readonly string[] | null;
  readonly description?: RegExp;
  readonly class: ErrorClass;
}

/** providers.md §4; UNCLASSIFIED is what no rule matched. */
export type ErrorClass =
  | 'GRANT_REJECTED'
  | 'WRONG_CLIENT'
  | 'CLIENT_REFUSED'
  | 'REGISTRATION'
  | 'REDIRECTED'
  | 'EDGE_REFUSED'
  | 'THROTTLED'
  | 'SERVER_ERROR'
  | 'MALFORMED_REQUEST'
  | 'UNCLASSIFIED';

/** Origins at which a provider is reached; only the local environment may replace them. */
export interface ProviderHosts {
  readonly authorize: string;
  readonly token: string;
  readonly revoke: string;
  readonly api: string;
}
