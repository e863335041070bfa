import { GrantkeeperError } from './errors.ts';

/**
 * Throws `not_found` for an organisation the API key may not see: exactly what an organisation that
 * does not exist gets, but counted as a denial.
 */
export function requireOrganization(
  key: { readonly organizations: '*' | readonly string[] } | undefined,
  organizationId: string,
): void {
  const organizations = key?.organizations ?? [];
  if (organizations !== '*' && !organizations.includes(organizationId)) {
    throw new GrantkeeperError('not_found', { denied: true });
  }
}
