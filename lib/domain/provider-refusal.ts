import type { ErrorCode } from './errors.ts';

/**
 * `error` of an authorization response (RFC 6749 §4.1.2.1, providers.md §4.2). Only the code is looked at; whatever else
 * the provider or somebody in between wrote is not repeated anywhere.
 */
const REFUSALS: ReadonlyMap<string, ErrorCode> = new Map([
  ['access_denied', 'access_denied'],
  ['server_error', 'provider_error'],
  ['temporarily_unavailable', 'provider_error'],
  ['invalid_request', 'provider_configuration'],
  ['invalid_scope', 'provider_configuration'],
  ['unauthorized_client', 'provider_configuration'],
  ['unsupported_response_type', 'provider_configuration'],
]);

/** Our code for a provider's "no" in the callback; an unknown one counts as the provider's trouble. */
export function refusalOf(error: string): ErrorCode {
  return REFUSALS.get(error) ?? 'provider_error';
}
