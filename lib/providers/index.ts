import { GrantkeeperError } from '../domain/errors.ts';
import type { ProviderEnvironment, ProviderId } from '../domain/names.ts';
import type { ProviderDescriptor, ProviderHosts } from './descriptor.ts';
import { quickbooks } from './quickbooks.ts';
import { xero } from './xero.ts';

/** Every provider we serve. A new one is a file beside this and a line here. */
export const PROVIDERS: Readonly<Record<ProviderId, ProviderDescriptor>> = { quickbooks, xero };

/**
 * Where a provider is reached. `origins` is for the local environment alone: one origin of this machine then stands for
 * all four hosts of a provider. Throws `configuration_missing` for one that is not on this machine or is more than an
 * origin, because tokens would be sent there.
 */
export function providerHosts(
  provider: ProviderId,
  environment: ProviderEnvironment,
  origins: Partial<Record<ProviderId, string>> = {},
): ProviderHosts {
  const replacement = origins[provider];
  if (replacement !== undefined) {
    const origin = loopbackOrigin(replacement);
    if (origin === undefined) throw new GrantkeeperError('configuration_missing', { field: `origins.${provider}` });
    return { authorize: origin, token: origin, revoke: origin, api: origin };
  }
  const { authorize, token, revoke, api } = PROVIDERS[provider].origins;
  return { authorize, token, revoke, api: api[environment] };
}

/** Whether a host name, as `URL.hostname` gives it, can only mean this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

function loopbackOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  const isBare = `${url.origin}/` === url.href;
  return isBare && isLoopbackHost(url.hostname) ? url.origin : undefined;
}
