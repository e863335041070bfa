import type { Grant } from './grant.ts';
import { isProviderId, ORGANIZATION_ID_PATTERN, PROVIDER_IDS, type ProviderId } from './names.ts';

/** What one alias of get-token may ask for. An invocation carries no identity of its own, so the alias is the identity. */
export interface Consumer {
  readonly organisations: '*' | readonly string[];
  readonly providers: readonly ProviderId[];
}

export type ConsumerMap = Readonly<Record<string, Consumer>>;

/** Whether the consumer may ask for this organisation's token of this provider. */
export function mayAsk(consumer: Consumer, organizationId: string, provider: ProviderId): boolean {
  return consumer.providers.includes(provider) && mayUse(consumer, organizationId);
}

/**
 * Whether the grant's token opens only companies the consumer may use. A Xero token opens every company of its user, so a
 * grant that also serves another organisation is not for a consumer that may not use that one.
 */
export function mayHold(consumer: Consumer, grant: Pick<Grant, 'orgs'>): boolean {
  return [...(grant.orgs ?? [])].every((organizationId) => mayUse(consumer, organizationId));
}

function mayUse(consumer: Consumer, organizationId: string): boolean {
  return consumer.organisations === '*' || consumer.organisations.includes(organizationId);
}

/** The map from parsed JSON, or the path of what is wrong with it. Alias names are not numeric: those are versions. */
export function readConsumerMap(value: unknown): { readonly map: ConsumerMap } | { readonly wrong: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { wrong: 'consumers' };
  for (const [name, consumer] of Object.entries(value)) {
    if (!/^(?!\d+$)[A-Za-z0-9_-]{1,128}$/.test(name)) return { wrong: name };
    if (!isConsumer(consumer))
      return { wrong: `${name}: organisations "*" or a list of ids, providers of ${PROVIDER_IDS.join(', ')}` };
  }
  return { map: value as ConsumerMap };
}

function isConsumer(value: unknown): value is Consumer {
  if (typeof value !== 'object' || value === null) return false;
  const { organisations, providers, ...rest } = value as Record<string, unknown>;
  const listed =
    Array.isArray(organisations) &&
    organisations.every((id) => typeof id === 'string' && ORGANIZATION_ID_PATTERN.test(id));
  return (
    Object.keys(rest).length === 0 &&
    (organisations === '*' || listed) &&
    Array.isArray(providers) &&
    providers.every(isProviderId)
  );
}
