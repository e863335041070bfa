import type { AuditEvent } from '../../lib/domain/audit.ts';
import type { GrantFields } from '../../lib/domain/grant.ts';
import type { Condition, Transaction, Write } from '../../lib/domain/write.ts';
import type { Mutant } from './context.ts';
import type { SimPorts } from './ports.ts';

/** Weakened designs, each of which some check has to catch: a check that cannot fail proves nothing. */
export interface Weakness extends Mutant {
  readonly name: string;
  /** The invariant that breaks first, as a rule. */
  readonly breaks: string;
}

type GrantUpdate = Extract<Write, { table: 'grants'; op: 'update' }>;
type Fields = Readonly<Record<string, unknown>>;

/** Changes every update of a grant. */
function onGrants(change: (write: GrantUpdate, events: ReadonlySet<AuditEvent>) => Fields): Mutant {
  return {
    transaction(transaction: Transaction): Transaction {
      const events = new Set(
        transaction.writes.flatMap((leg) => (leg.table === 'audit' && leg.op === 'put' ? [leg.item.event] : [])),
      );
      const altered = (leg: Write): Write => {
        const isGrant = leg.table === 'grants' && leg.op === 'update' && !leg.key.pk.startsWith('PROVIDER#');
        return isGrant ? ({ ...leg, ...change(leg as GrantUpdate, events) } as unknown as Write) : leg;
      };
      return { ...transaction, writes: transaction.writes.map(altered) };
    },
  };
}

/** Changes the ports of every process. */
function onPorts(change: (ports: SimPorts) => Partial<SimPorts>): Mutant {
  return { ports: (ports) => ({ ...ports, ...change(ports) }) };
}

function without(when: readonly Condition[], ...attributes: readonly string[]): readonly Condition[] {
  const isOn = (condition: Condition): boolean => {
    if ('anyOf' in condition) return condition.anyOf.some(isOn);
    if ('allOf' in condition) return condition.allOf.some(isOn);
    return attributes.includes(condition.path[0]);
  };
  return when.filter((condition) => !isOn(condition));
}

const setOf = ({ set }: GrantUpdate): Partial<GrantFields> => (set ?? {}) as Partial<GrantFields>;
const withSet = (write: GrantUpdate, fields: Fields) => ({ set: { ...setOf(write), ...fields } });

/** Answers as if what another's write has refused had been stored. */
const dropsTheRefused = onPorts(({ store }) => ({
  store: {
    ...store,
    async commit(transaction) {
      const verdict = await store.commit(transaction);
      const isTokens = transaction.writes.some(
        (leg) => leg.table === 'audit' && leg.op === 'put' && leg.item.event === 'attempt.ok',
      );
      return isTokens ? { committed: true } : verdict;
    },
  },
}));

const looksAtNoLease: Mutant = {
  ...onGrants((write) => ({ when: without(write.when, 'attempt', 'number', 'dueAt') })),
  ...onPorts(({ store }) => ({
    store: {
      ...store,
      async readGrant(key) {
        const grant = await store.readGrant(key);
        if (grant === undefined) return undefined;
        const { attempt: _, ...rest } = grant;
        return rest as typeof grant;
      },
    },
  })),
};

const remembersWhatItServed = onPorts(({ store }) => ({
  store: { ...store, readServed: (...asked) => remembered(asked.slice(0, 2).join(), () => store.readServed(...asked)) },
}));

const served = new Map<string, unknown>();
async function remembered<T>(key: string, read: () => Promise<T>): Promise<T> {
  const known = served.get(key) as T | undefined;
  if (known !== undefined) return known;
  const answer = await read();
  if (Object.keys(answer as object).length > 1) served.set(key, answer);
  return answer;
}

const tellsTokens = onPorts(({ endpoint, log }) => ({
  endpoint: {
    ...endpoint,
    refresh(request) {
      log('info', 'refreshing', { reason: request.refreshToken.open() });
      return endpoint.refresh(request);
    },
  },
}));

const REPORTED: ReadonlySet<AuditEvent> = new Set(['attempt.ok', 'attempt.rejected', 'attempt.unknown']);

export const WEAKNESSES: readonly Weakness[] = [
  {
    name: 'writes without a version check',
    breaks: 'I1',
    ...onGrants((write) => ({ when: without(write.when, 'tokenVersion', 'number', 'attempt', 'dueAt') })),
  },
  {
    name: 'reports and commits without asking whose attempt it is',
    breaks: 'I2',
    ...onGrants((write) => ({ when: without(write.when, 'attempt') })),
  },
  {
    name: 'holds no tokens',
    breaks: 'I2',
    ...onGrants((write) => ({ setEntries: { ...write.setEntries, held: {} } })),
  },
  { name: 'drops its tokens when another has written first', breaks: 'I2', ...dropsTheRefused },
  {
    name: 'has no rescue queue',
    breaks: 'I2',
    ...onPorts(() => ({ rescueQueue: { put: () => Promise.reject(new Error('no queue')) } })),
  },
  {
    name: 'gives a grant up at its first rejection',
    breaks: 'I3',
    ...onGrants((write, events) =>
      events.has('attempt.rejected') ? withSet(write, { status: 'needs_reauth', duePartition: 'xero#00' }) : {},
    ),
  },
  { name: 'looks at no lease', breaks: 'I4', ...looksAtNoLease },
  {
    name: 'takes any token for one of this authorisation',
    breaks: 'I5',
    ...onGrants((write) => {
      const { current } = setOf(write);
      return current === undefined ? {} : withSet(write, { current: { ...current, generation: 'any' } });
    }),
  },
  { name: 'serves what it remembers', breaks: 'I6', ...remembersWhatItServed },
  { name: 'tells tokens in its log', breaks: 'I7', ...tellsTokens },
  {
    name: 'never tries a suspect again',
    breaks: 'I8',
    ...onGrants((write) =>
      setOf(write).status === 'suspect' ? withSet(write, { notBefore: Number.MAX_SAFE_INTEGER }) : {},
    ),
  },
  {
    name: 'leaves no trace in the audit',
    breaks: 'I9',
    transaction: (transaction) => ({
      ...transaction,
      writes: transaction.writes.filter(({ table }) => table !== 'audit'),
    }),
  },
  {
    name: 'cannot take a verdict back',
    breaks: 'I10',
    ...onGrants((write, events) =>
      events.has('attempt.ok') ? { when: [...write.when, { path: ['reauth'], is: 'absent' }] } : {},
    ),
  },
  {
    name: 'is not due while it works',
    breaks: 'I11',
    ...onGrants((write) => {
      const { attempt } = setOf(write);
      if (attempt === undefined || attempt.outcome !== undefined) return {};
      const { dueAt: _, ...set } = setOf(write);
      return { set };
    }),
  },
  {
    name: 'is due a day after what it reports',
    breaks: 'I11',
    ...onGrants((write, events) => {
      const { dueAt } = setOf(write);
      const isReport = [...events].some((event) => REPORTED.has(event));
      return isReport && dueAt !== undefined ? withSet(write, { dueAt: dueAt + 24 * 3600_000 }) : {};
    }),
  },
];
