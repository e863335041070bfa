import { APP } from '../../lib/domain/names.ts';
import type { Secret } from '../../lib/domain/secret.ts';
import { basicAuthorization } from '../../lib/oauth/client-auth.ts';
import type { ProviderDescriptor, ProviderHosts } from '../../lib/providers/descriptor.ts';
import type { ClientCredentials } from '../../lib/service/ports.ts';
import type { Wire } from './wire.ts';

type Sent = ReturnType<Wire['send']>;
type Headers = Readonly<Record<string, string>>;

/** The requests that experiments are made of, as the product makes them but for what an experiment changes. */
export interface Requests {
  /** To the token endpoint, with our keys or those given. */
  token(form: Headers, options?: { readonly headers?: Headers; readonly client?: ClientCredentials }): Sent;
  revoke(token: Secret, encoding: 'json' | 'form'): Sent;
  /** To the resource API; the company goes into a header where the provider wants it there. */
  get(accessToken: Secret, path: string, tenantId?: string): Sent;
  remove(accessToken: Secret, path: string): Sent;
}

const FORM = 'application/x-www-form-urlencoded';

export function createRequests(
  wire: Wire,
  {
    descriptor,
    hosts,
    client: ours,
  }: { readonly descriptor: ProviderDescriptor; readonly hosts: ProviderHosts; readonly client: ClientCredentials },
): Requests {
  const basic = (client: ClientCredentials) => ({
    authorization: basicAuthorization(descriptor.clientAuth, client),
    accept: 'application/json',
    'user-agent': APP,
  });
  const { tenantTransport } = descriptor;
  return {
    token: (form, { headers = {}, client = ours } = {}) =>
      wire.send({
        method: 'POST',
        url: new URL(descriptor.paths.token, hosts.token),
        headers: { ...headers, ...basic(client), 'content-type': FORM },
        body: new URLSearchParams(form).toString(),
      }),
    revoke(token, encoding) {
      const fields = { token: token.open() };
      const isForm = encoding === 'form';
      return wire.send({
        method: 'POST',
        url: new URL(descriptor.paths.revoke, hosts.revoke),
        headers: { ...basic(ours), 'content-type': isForm ? FORM : 'application/json' },
        body: isForm ? new URLSearchParams(fields).toString() : JSON.stringify(fields),
      });
    },
    get(accessToken, path, tenantId) {
      const isNamed = tenantTransport.kind === 'header' && tenantId !== undefined;
      const headers = { ...bearer(accessToken), ...(isNamed ? { [tenantTransport.name]: tenantId } : {}) };
      return wire.send({ method: 'GET', url: new URL(path, hosts.api), headers });
    },
    remove: (accessToken, path) =>
      wire.send({ method: 'DELETE', url: new URL(path, hosts.api), headers: bearer(accessToken) }),
  };
}

function bearer(accessToken: Secret): Headers {
  return { authorization: `Bearer ${accessToken.open()}`, accept: 'application/json', 'user-agent': APP };
}
