import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type AuditRow, auditRow } from '../../../lib/domain/audit.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import { providerKey } from '../../../lib/domain/provider-state.ts';
import { appendAudit } from '../../../lib/domain/write.ts';
import { refreshToken, T0 } from '../grants.ts';
import { type GetStore, newGrant, newKey, putGrant, transactionOf } from './helpers.ts';

/** More than a page of any store: 120 items, 1.2 MB. */
const MANY = 120;

/** What goes through a whole table, and what goes through the rows of one key. */
export function scanTests(store: GetStore): void {
  /** All pages of one share. */
  async function scan(share: number, of: number): Promise<readonly Grant[][]> {
    const pages: Grant[][] = [];
    for (let next: string | undefined; pages.length < 1_000; ) {
      const page = await store().scanGrants({ share, of, ...(next === undefined ? {} : { next }) });
      pages.push([...page.grants]);
      if (page.next === undefined) return pages;
      next = page.next;
    }
    throw new Error('the scan never ends');
  }

  test('every grant is scanned once, over all shares and pages, and the state of a provider is none', async () => {
    const before = (await scan(0, 1)).flat().length;
    const current = { ...refreshToken('attempt-7', 7), ciphertext: new Uint8Array(10_000) };
    const grants = Array.from({ length: MANY }, () => newGrant({ current }));
    for (let start = 0; start < MANY; start += 40) {
      const part = grants.slice(start, start + 40).map((grant) => putGrant(grant));
      await store().commit(transactionOf(...part));
    }
    const key = { pk: providerKey('quickbooks') };
    const item = { v: 1, ...key, provider: 'quickbooks' } as const;
    await store().commit(transactionOf({ table: 'grants', key, when: [], op: 'put', item }));

    const pages = await scan(0, 1);
    expect(pages.length).toBeGreaterThan(1);
    const whole = pages.flat();
    const keys = new Set(whole.map(({ pk }) => pk));
    expect(keys.size).toBe(whole.length);
    expect(whole.length).toBe(before + MANY);
    expect(grants.filter(({ pk }) => !keys.has(pk))).toEqual([]);
    expect(whole.find(({ pk }) => pk === grants[0]?.pk)).toEqual(grants[0]);
    expect(whole.filter(({ pk }) => !/^(quickbooks|xero)#/.test(pk))).toEqual([]);

    const shares = (await Promise.all([0, 1, 2].map((share) => scan(share, 3)))).map((share) => share.flat());
    expect(
      shares
        .flat()
        .map(({ pk }) => pk)
        .toSorted(),
    ).toEqual([...keys].toSorted());
    expect(shares.every((share) => share.length > 0)).toBe(true);
  });

  test('the audit rows of one key are listed from an instant on, oldest first', async () => {
    const pk = `GRANT#${newKey()}` as const;
    const row = (startedAt: number, more: Partial<AuditRow> = {}) =>
      auditRow({ pk, id: randomUUID(), event: 'attempt.ok', provider: 'xero', at: startedAt + 5, startedAt, ...more });
    const rows = [row(T0 + 1), row(T0 - 1), row(T0), row(T0 + 86_400_000, { reason: 'late' })];
    const others = [row(T0, { pk: `${pk}2` }), row(T0, { pk: 'ORG#acme' })];
    for (const each of [...rows, ...others]) await store().commit(transactionOf(appendAudit(each)));
    expect(await store().listAudit(pk, T0)).toEqual([rows[2], rows[0], rows[3]]);
    expect(await store().listAudit(pk, 0)).toEqual([rows[1], rows[2], rows[0], rows[3]]);
    expect(await store().listAudit(pk, T0 + 86_400_001)).toEqual([]);
    expect(await store().listAudit(`${pk}3`, 0)).toEqual([]);
  });
}
