import { expect, test } from 'vitest';
import { mayAsk, mayHold, readConsumerMap } from '../../../lib/domain/consumer.ts';
import { xeroGrant } from '../../support/grants.ts';

const all = { organisations: '*', providers: ['quickbooks', 'xero'] } as const;
const acmeOnly = { organisations: ['acme'], providers: ['quickbooks'] } as const;

test.for([
  [all, 'acme', 'xero', true],
  [acmeOnly, 'acme', 'quickbooks', true],
  [acmeOnly, 'acme', 'xero', false],
  [acmeOnly, 'globex', 'quickbooks', false],
  [{ organisations: [], providers: ['quickbooks'] }, 'acme', 'quickbooks', false],
] as const)('%o asking for %s at %s: %s', ([consumer, organization, provider, allowed]) => {
  expect(mayAsk(consumer, organization, provider)).toBe(allowed);
});

test('a token that opens other organisations’ companies is only for those who may use all of them', () => {
  const shared = xeroGrant({ orgs: new Set(['acme', 'globex']) });
  expect(mayHold(all, shared)).toBe(true);
  expect(mayHold(acmeOnly, shared)).toBe(false);
  expect(mayHold(acmeOnly, xeroGrant({ orgs: new Set(['acme']) }))).toBe(true);
});

test('a good map is taken as it is', () => {
  expect(readConsumerMap({ default: all, invoicing: acmeOnly })).toEqual({
    map: { default: all, invoicing: acmeOnly },
  });
});

test.for([
  [null, 'consumers'],
  [[], 'consumers'],
  [{ 42: all }, '42'],
  [{ 'a b': all }, 'a b'],
  [{ a: { organisations: '*' } }, 'a:'],
  [{ a: { organisations: 'acme', providers: [] } }, 'a:'],
  [{ a: { organisations: ['-bad'], providers: [] } }, 'a:'],
  [{ a: { organisations: '*', providers: ['sage'] } }, 'a:'],
  [{ a: { ...acmeOnly, also: 1 } }, 'a:'],
] as const)('%o is refused, naming what is wrong', ([map, wrong]) => {
  const read = readConsumerMap(map);
  expect('wrong' in read && read.wrong.startsWith(wrong)).toBe(true);
});
