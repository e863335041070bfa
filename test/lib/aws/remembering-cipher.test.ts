import { beforeEach, describe, expect, test } from 'vitest';
import { createRememberingCipher } from '../../../lib/aws/remembering-cipher.ts';
import type { Sealed } from '../../../lib/domain/grant.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import type { Cipher, SealContext } from '../../../lib/service/ports.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryCipher, type MemoryCipher } from '../../support/memory-cipher.ts';

const CONTEXT: SealContext = { provider: 'xero', grant: 'xero#user-1', purpose: 'access' };

let clock: FakeClock;
let inner: MemoryCipher;
let cipher: Cipher;

beforeEach(() => {
  clock = createFakeClock({ startAt: 1_000 });
  inner = createMemoryCipher();
  cipher = createRememberingCipher(inner, clock);
});

async function sealed(token: string, context = CONTEXT): Promise<Sealed> {
  return (await cipher.arm(context)).seal(new Secret(token), context.grant, 'attempt-7');
}

async function opened(token: Sealed, context = CONTEXT): Promise<string> {
  return (await cipher.open(token, context)).open();
}

describe('the remembering cipher', () => {
  test('opens an access token once in 5 minutes', async () => {
    const token = await sealed('a');
    expect(await opened(token)).toBe('a');
    await clock.advance(299_999);
    expect(await opened(structuredClone(token))).toBe('a');
    expect(inner.counts().opens).toBe(1);
    await clock.advance(1);
    expect(await opened(token)).toBe('a');
    expect(inner.counts().opens).toBe(2);
  });

  test('never remembers a refresh token', async () => {
    const context = { ...CONTEXT, purpose: 'refresh' } as const;
    const token = await sealed('r', context);
    await opened(token, context);
    await opened(token, context);
    expect(inner.counts().opens).toBe(2);
  });

  test('what would not open is not found in memory either', async () => {
    const token = await sealed('a');
    await opened(token);
    const refused = { code: 'token_undecryptable' };
    await expect(opened(token, { ...CONTEXT, grant: 'xero#user-2' })).rejects.toMatchObject(refused);
    await expect(opened({ ...token, attemptId: 'attempt-8' })).rejects.toMatchObject(refused);
    await expect(opened({ ...token, scope: 'flow-1' })).rejects.toMatchObject(refused);
  });

  test('does not remember failures', async () => {
    const token = await sealed('a');
    inner.failNext({ operation: 'open' });
    await expect(opened(token)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await opened(token)).toBe('a');
  });

  test('keeps the 1,000 used last', async () => {
    const first = await sealed('first');
    const second = await sealed('second');
    await opened(first);
    await opened(second);
    for (let count = 0; count < 998; count += 1) await opened(await sealed(`token ${count}`));
    await opened(first);
    await opened(await sealed('one more'));
    expect(inner.counts().opens).toBe(1_001);
    await opened(first);
    expect(inner.counts().opens).toBe(1_001);
    await opened(second);
    expect(inner.counts().opens).toBe(1_002);
  });
});
