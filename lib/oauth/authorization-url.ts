import type { ProviderDescriptor, ProviderHosts } from '../providers/descriptor.ts';

export interface Authorization {
  readonly descriptor: ProviderDescriptor;
  readonly hosts: ProviderHosts;
  readonly clientId: string;
  /** Exactly as registered at the provider. */
  readonly redirectUri: string;
  readonly state: string;
}

/**
 * Where the browser is sent to ask for consent (RFC 6749 §4.1.1), with all scopes of the descriptor. No PKCE: neither
 * provider announces it for a client with a secret (providers.md §1.1, 2.2), so `state` carries the protection.
 */
export function authorizationUrl({ descriptor, hosts, clientId, redirectUri, state }: Authorization): string {
  const url = new URL(descriptor.paths.authorize, hosts.authorize);
  const parameters = new URLSearchParams({
    ...descriptor.authorizeParameters,
    client_id: clientId,
    response_type: 'code',
    scope: descriptor.scopes.join(' '),
    redirect_uri: redirectUri,
    state,
  });
  // A space as %20, which a query in either reading understands; a literal plus is %2B by now.
  url.search = parameters.toString().replaceAll('+', '%20');
  return url.href;
}
