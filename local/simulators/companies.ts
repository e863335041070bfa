/** A QuickBooks company that the consent page offers. */
export interface Company {
  readonly realmId: string;
  readonly name: string;
}

/** A Xero organisation. */
export interface Organisation {
  readonly tenantId: string;
  readonly name: string;
}

/** Somebody who can sign in to Xero; `key` is the `user` field of the consent form. */
export interface XeroUser {
  readonly key: string;
  readonly userId: string;
  readonly name: string;
  readonly organisations: readonly Organisation[];
}

/** The one person who signs in to QuickBooks here; the OpenID subject. */
export const QUICKBOOKS_USER = {
  subject: '5f3c9a52-7a0e-4c1b-9b1d-2f60a3c40001',
  email: 'owner@example.com',
} as const;

export const COMPANIES: readonly Company[] = [
  { realmId: '9341453000000001', name: 'Acme Books' },
  { realmId: '9341453000000002', name: 'Birch Bakery' },
  { realmId: '9341453000000003', name: 'Cedar Cycles' },
  { realmId: '9341453000000004', name: 'Dune & Daughters <Design>' },
];

const ACME: Organisation = { tenantId: 'c0ffee00-0000-4000-8000-000000000001', name: 'Acme Trading' };
const BIRCH: Organisation = { tenantId: 'c0ffee00-0000-4000-8000-000000000002', name: 'Birch Bakery' };
const CEDAR: Organisation = { tenantId: 'c0ffee00-0000-4000-8000-000000000003', name: 'Cedar Cycles' };

/** The owner's organisation is also one of the accountant's: two Xero users can connect the same company. */
export const XERO_USERS: readonly XeroUser[] = [
  {
    key: 'accountant',
    userId: 'acc00000-0000-4000-8000-00000000000a',
    name: 'Accountant',
    organisations: [ACME, BIRCH, CEDAR],
  },
  {
    key: 'owner',
    userId: 'b0550000-0000-4000-8000-00000000000b',
    name: 'Owner of Acme Trading',
    organisations: [ACME],
  },
];

const REALM_ID = /^\d{10,19}$/;

/**
 * The company of a realm id. Ids that are not in the list exist too (any 10 to 19 digits), so that a load test can
 * connect as many companies as it likes.
 */
export function findCompany(realmId: string): Company | undefined {
  const seeded = COMPANIES.find((company) => company.realmId === realmId);
  if (seeded) return seeded;
  return REALM_ID.test(realmId) ? { realmId, name: `Company ${realmId}` } : undefined;
}
