import { expect, test } from 'vitest';
import { type CompanyChoice, chooseCompany } from '../../../lib/domain/company-choice.ts';

const ONE = { tenantId: '1' };
const TWO = { tenantId: '2' };
const refused = (code: string) => ({ kind: 'refused', code }) as CompanyChoice;
const company = (tenant: object) => ({ kind: 'company', tenant }) as CompanyChoice;

test.for([
  ['none', [], {}, refused('no_company')],
  ['one', [ONE], {}, company(ONE)],
  ['several', [ONE, TWO], {}, { kind: 'choose', tenants: [ONE, TWO] }],
  ['the expected one among several', [ONE, TWO], { expected: '2' }, company(TWO)],
  ['only another than expected', [ONE], { expected: '2' }, refused('company_mismatch')],
  ['the named one', [ONE], { named: '1' }, company(ONE)],
  ['the named one, unconfirmed', [], { named: '1' }, refused('company_unconfirmed')],
  ['another confirmed than named', [TWO], { named: '1' }, refused('company_unconfirmed')],
  ['the named and expected one', [ONE], { named: '1', expected: '1' }, company(ONE)],
  ['another named than expected', [ONE], { named: '1', expected: '2' }, refused('company_mismatch')],
] as const)('%s', ([, tenants, wanted, choice]) => {
  expect(chooseCompany(tenants, wanted)).toEqual(choice);
});
