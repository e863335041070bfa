import type { ProviderDescriptor } from '../providers/descriptor.ts';
import type { ClientCredentials } from '../service/ports.ts';

/**
 * The Authorization header of a client. RFC 6749 §2.3.1 form-encodes id and secret before they are joined; Intuit and
 * Xero do not decode them, so theirs are joined as they stand (providers.md §3).
 */
export function basicAuthorization(
  kind: ProviderDescriptor['clientAuth'],
  { clientId, clientSecret }: ClientCredentials,
): string {
  const encode = kind === 'basic_raw' ? (text: string) => text : formEncoded;
  const joined = `${encode(clientId)}:${encode(clientSecret.open())}`;
  return `Basic ${Buffer.from(joined, 'utf8').toString('base64')}`;
}

/** RFC 6749 appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
