import { describe, expect, test } from 'vitest';
import { Secret } from '../../lib/domain/secret.ts';
import { createMemoryCipher } from './memory-cipher.ts';

const CONTEXT = { provider: 'xero', grant: 'xero#user-1', purpose: 'access' } as const;

describe('the in-memory cipher', () => {
  test('counts what it was asked for', async () => {
    const cipher = createMemoryCipher();
    const sealer = await cipher.arm(CONTEXT);
    const sealed = sealer.seal(new Secret('a'), CONTEXT.grant, 'attempt-7');
    sealer.seal(new Secret('b'), CONTEXT.grant, 'attempt-7');
    await cipher.open(sealed, CONTEXT);
    expect(cipher.counts()).toEqual({ arms: 1, seals: 2, opens: 1 });
  });

  test('fails as often as it is told to', async () => {
    const cipher = createMemoryCipher();
    cipher.failNext({ operation: 'arm', times: 2 });
    await expect(cipher.arm(CONTEXT)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(cipher.arm(CONTEXT)).rejects.toMatchObject({ code: 'unavailable' });
    const sealed = (await cipher.arm(CONTEXT)).seal(new Secret('a'), CONTEXT.grant, 'attempt-7');
    cipher.failNext({ operation: 'open', code: 'token_undecryptable' });
    await expect(cipher.open(sealed, CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
    expect((await cipher.open(sealed, CONTEXT)).open()).toBe('a');
  });
});
