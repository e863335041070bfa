import type { ProviderId } from '../../lib/domain/names.ts';
import type { ProviderKind } from './provider.ts';
import type { Coming, Setting } from './setting.ts';
import type { Budget } from './world.ts';

/** What is searched: small worlds, each with the faults that matter to it. */

export interface Configuration {
  readonly name: string;
  readonly provider: ProviderId;
  readonly kind: ProviderKind;
  readonly processes: number;
  readonly starts: Setting['starts'];
  readonly organizations?: readonly string[];
  readonly flows?: readonly Coming[];
  readonly budget: Partial<Omit<Budget, 'steps'>>;
  /** How often time may move on, by length in minutes. */
  readonly minutes: Readonly<Record<string, number>>;
  /** Steps that have been taken when the search begins, each by a part of its name. */
  readonly begins?: readonly string[];
}

/** Minutes after which every lease of now has run out. */
const LEASE = 2.5;
const SINGLE: ProviderKind = { rotation: 'single', isLatestOnly: true, hasSiblings: false };
const FAMILY: ProviderKind = { ...SINGLE, rotation: 'family' };
const PERIODIC: ProviderKind = { ...SINGLE, rotation: 'periodic' };
const GRACE: ProviderKind = { ...SINGLE, rotation: 'grace' };
const ACME = { organizationId: 'acme', tenant: 'subject' };

export const CONFIGURATIONS: readonly Configuration[] = [
  {
    name: 'refresh, grace',
    provider: 'xero',
    kind: { ...GRACE, hasSiblings: true },
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, crashes: 1, answers: 1, writes: 1 },
    minutes: { [LEASE]: 2, 31: 1 },
  },
  {
    name: 'refresh, grace, outage',
    provider: 'xero',
    kind: GRACE,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 4, outages: 1 },
    minutes: { [LEASE]: 2, 31: 1 },
  },
  {
    name: 'refresh, single use',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, crashes: 1, answers: 1, writes: 1, rescues: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'refresh, family revocation',
    provider: 'quickbooks',
    kind: FAMILY,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, crashes: 1, answers: 1, writes: 1, rescues: 1, outages: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'refresh, periodic',
    provider: 'quickbooks',
    kind: PERIODIC,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, answers: 1, writes: 1, rescues: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'refresh, three processes',
    provider: 'xero',
    kind: GRACE,
    processes: 3,
    starts: ['refresh'],
    budget: { attempts: 3, crashes: 1, answers: 1, writes: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'rescue, twice and late',
    provider: 'xero',
    kind: { ...GRACE, hasSiblings: true },
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, rescues: 2, repeats: 1, writes: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'giving up, outage',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 3, outages: 1, looks: 2, successes: 1 },
    minutes: { 1.5: 2, 15: 1 },
  },
  {
    name: 'giving up, token on its way',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['refresh'],
    budget: { attempts: 5, rescues: 1, looks: 3, successes: 1 },
    minutes: { [LEASE]: 3, 15: 2 },
    begins: [
      ...['A reads', 'A takes the lease as a2 to refresh', 'A sends t1 and gets t2', '2.5 minutes pass'],
      ...['B reads', 'B takes the lease as a3 to refresh', 'queue empty', 'unchanged', 'rejected', 'B notes that all'],
      ...['2.5 minutes pass', 'B reads', 'B takes the lease as a4 to refresh', 'queue empty', 'unchanged'],
      ...['B sends t1: rejected', 'B notes that all', '15 minutes pass'],
    ],
  },
  {
    name: 'reconnect, family revocation',
    provider: 'quickbooks',
    kind: FAMILY,
    processes: 2,
    starts: ['refresh'],
    flows: [{ flow: 'f1', ...ACME }],
    budget: { attempts: 2, crashes: 1, writes: 1, rescues: 1 },
    minutes: { [LEASE]: 1 },
  },
  {
    name: 'two authorisations at once',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['refresh'],
    flows: [
      { flow: 'f1', ...ACME },
      { flow: 'f2', ...ACME },
    ],
    budget: { attempts: 1, crashes: 1, rescues: 1, outages: 1 },
    minutes: {},
  },
  {
    name: 'disconnect and reconnect',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['due'],
    flows: [{ flow: 'f1', ...ACME }],
    budget: { attempts: 3, crashes: 1, writes: 1, disconnects: 1 },
    minutes: { [LEASE]: 1 },
  },
  {
    name: 'disconnect during a refresh',
    provider: 'quickbooks',
    kind: SINGLE,
    processes: 2,
    starts: ['refresh', 'due'],
    budget: { attempts: 3, rescues: 1, disconnects: 1 },
    minutes: { [LEASE]: 2 },
  },
  {
    name: 'two organisations on one grant',
    provider: 'xero',
    kind: GRACE,
    processes: 2,
    starts: ['refresh', 'due'],
    organizations: ['acme', 'globex'],
    flows: [{ flow: 'f1', organizationId: 'acme', tenant: 'acme books' }],
    budget: { attempts: 2, disconnects: 1 },
    minutes: { [LEASE]: 1 },
  },
  {
    name: 'two organisations, family revocation',
    provider: 'xero',
    kind: FAMILY,
    processes: 2,
    starts: ['refresh', 'due'],
    organizations: ['acme', 'globex'],
    budget: { attempts: 3, crashes: 1, writes: 1, disconnects: 1 },
    minutes: { [LEASE]: 2 },
  },
];
