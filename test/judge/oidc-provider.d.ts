/** What the judge uses of oidc-provider 9.13, which brings no types. */
declare module 'oidc-provider' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface StoredPayload {
    readonly grantId?: string;
    readonly jti?: string;
    consumed?: number;
  }

  export interface Adapter {
    upsert(id: string, payload: StoredPayload, expiresInSeconds?: number): Promise<void>;
    find(id: string): Promise<StoredPayload | undefined>;
    findByUid(uid: string): Promise<StoredPayload | undefined>;
    findByUserCode(userCode: string): Promise<StoredPayload | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  export interface Client {
    readonly clientId: string;
  }

  interface Saved {
    /** Answers its value. */
    save(): Promise<string>;
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    save(ttlSeconds: number): Promise<string>;
  }

  export interface RefreshToken {
    readonly jti: string;
    readonly grantId: string;
    readonly accountId: string;
  }

  export interface Context {
    readonly oidc: {
      readonly params?: Readonly<Record<string, string | undefined>>;
      readonly entities: { readonly RotatedRefreshToken?: RefreshToken };
    };
  }

  export interface Configuration {
    readonly adapter: (model: string) => Adapter;
    readonly clients: readonly Readonly<Record<string, unknown>>[];
    readonly [setting: string]: unknown;
  }

  export class Provider extends EventEmitter {
    constructor(issuer: string, configuration: Configuration);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    readonly Client: { find(id: string): Promise<Client | undefined> };
    readonly Grant: new (input: {
      readonly accountId: string;
      readonly clientId: string;
    }) => Grant;
    readonly AuthorizationCode: new (
      input: Readonly<Record<string, unknown>>,
    ) => Saved;
  }
}
