import type { SimRequest } from './exchange.ts';

/** The keys of one app at one provider. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The apps a provider knows: ours first, then those of the other environment. */
export class Clients {
  readonly #primary: string;
  readonly #secrets: Map<string, string>;

  constructor(primary: ClientCredentials, others: readonly ClientCredentials[]) {
    this.#primary = primary.clientId;
    this.#secrets = new Map([primary, ...others].map((client) => [client.clientId, client.clientSecret]));
  }

  has(clientId: string): boolean {
    return this.#secrets.has(clientId);
  }

  /** Our app gets a new secret; the old one is refused from now on. */
  rotateSecret(clientSecret: string): void {
    this.#secrets.set(this.#primary, clientSecret);
  }

  /**
   * The client that proves itself by Basic authentication. The pair is taken as it stands (Intuit) or form-decoded
   * (RFC 6749 §2.3.1; Xero accepts both).
   */
  fromBasic(request: SimRequest, decodes: boolean): string | undefined {
    const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!encoded) return undefined;
    const pair = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 0) return undefined;
    const [id, secret] = [pair.slice(0, colon), pair.slice(colon + 1)];
    return this.#verified(id, secret) ?? (decodes ? this.#verified(formDecoded(id), formDecoded(secret)) : undefined);
  }

  /** The client that proves itself in the form (`client_secret_post`). */
  fromForm(form: URLSearchParams): string | undefined {
    return this.#verified(form.get('client_id') ?? '', form.get('client_secret') ?? '');
  }

  #verified(clientId: string, clientSecret: string): string | undefined {
    const known = this.#secrets.get(clientId);
    return known !== undefined && known === clientSecret ? clientId : undefined;
  }
}

function formDecoded(text: string): string {
  return new URLSearchParams(`v=${text}`).get('v') ?? '';
}
