import type { ErrorCode } from './errors.ts';
import type { Tenant } from './flow.ts';

export type CompanyChoice =
  | { readonly kind: 'company'; readonly tenant: Tenant }
  /** Several, and nobody named one: the user chooses; never "the first". */
  | { readonly kind: 'choose'; readonly tenants: readonly Tenant[] }
  | { readonly kind: 'refused'; readonly code: ErrorCode };

/**
 * Which of the companies an authorisation opens the flow is for. `named` is the one the provider named in its callback:
 * the list must confirm it. `expected` is the one the flow was started for: a reconnect must prove the same company.
 */
export function chooseCompany(
  tenants: readonly Tenant[],
  { named, expected }: { readonly named?: string | undefined; readonly expected?: string | undefined },
): CompanyChoice {
  if (named !== undefined && expected !== undefined && named !== expected) return refused('company_mismatch');
  if (named !== undefined) return found(tenants, named, 'company_unconfirmed');
  if (expected !== undefined) return found(tenants, expected, 'company_mismatch');
  const [first, ...others] = tenants;
  if (first === undefined) return refused('no_company');
  return others.length === 0 ? { kind: 'company', tenant: first } : { kind: 'choose', tenants };
}

function found(tenants: readonly Tenant[], tenantId: string, otherwise: ErrorCode): CompanyChoice {
  const tenant = tenants.find((each) => each.tenantId === tenantId);
  return tenant === undefined ? refused(otherwise) : { kind: 'company', tenant };
}

function refused(code: ErrorCode): CompanyChoice {
  return { kind: 'refused', code };
}
