import { describe, expect, test } from 'vitest';
import type { Sealed } from '../../lib/domain/grant.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Cipher, SealContext } from '../../lib/service/ports.ts';

const CONTEXT: SealContext = { provider: 'xero', grant: 'xero#user-1', purpose: 'refresh' };
const TOKEN = 'RT1-8-H0-17724-é-✓';

/** What every cipher must do, whatever keeps its keys. */
export function cipherContract(name: string, createCipher: () => Cipher): void {
  describe(`the ${name} cipher`, () => {
    async function sealedBy(cipher: Cipher, token = TOKEN, context = CONTEXT): Promise<Sealed> {
      const sealer = await cipher.arm(context);
      return sealer.seal(new Secret(token), context.grant, 'attempt-7');
    }

    test.for(['', 'a', TOKEN, 'x'.repeat(4_096)])('opens what it sealed (%#)', async (token) => {
      const cipher = createCipher();
      const opened = await cipher.open(await sealedBy(cipher, token), CONTEXT);
      expect(opened.open()).toBe(token);
      expect(`${opened}`).toBe('[redacted]');
    });

    test('shows nothing of the token', async () => {
      const sealed = await sealedBy(createCipher());
      expect(sealed.attemptId).toBe('attempt-7');
      expect(Object.keys(sealed).toSorted()).toEqual(['attemptId', 'ciphertext', 'dataKey']);
      expect(Buffer.from(sealed.ciphertext).includes('RT1')).toBe(false);
      expect(Buffer.from(sealed.dataKey).includes('RT1')).toBe(false);
    });

    test('one sealer seals several tokens, each differently, and all open', async () => {
      const cipher = createCipher();
      const sealer = await cipher.arm(CONTEXT);
      const sealed = ['attempt-7', 'attempt-7', 'attempt-8'].map((id) =>
        sealer.seal(new Secret(TOKEN), CONTEXT.grant, id),
      );
      expect(new Set(sealed.map(({ ciphertext }) => Buffer.from(ciphertext).toString('hex'))).size).toBe(3);
      const opened = await Promise.all(sealed.map((each) => cipher.open(each, CONTEXT)));
      expect(opened.map((token) => token.open())).toEqual([TOKEN, TOKEN, TOKEN]);
    });

    test('a sealer refuses another grant than it was armed for', async () => {
      const sealer = await createCipher().arm(CONTEXT);
      expect(() => sealer.seal(new Secret(TOKEN), 'xero#user-2', 'attempt-7')).toThrow(TypeError);
    });

    const contexts: readonly [string, Partial<SealContext>][] = [
      ['grant', { grant: 'xero#user-2' }],
      ['purpose', { purpose: 'access' }],
      ['provider', { provider: 'quickbooks' }],
    ];
    test.for(contexts)('does not open under another %s', async ([, other]) => {
      const cipher = createCipher();
      const sealed = await sealedBy(cipher);
      await expect(cipher.open(sealed, { ...CONTEXT, ...other })).rejects.toMatchObject({
        code: 'token_undecryptable',
      });
    });

    const changes: readonly [string, (sealed: Sealed, other: Sealed) => Sealed][] = [
      ['another attempt', (sealed) => ({ ...sealed, attemptId: 'attempt-8' })],
      ['a flipped first byte', (sealed) => ({ ...sealed, ciphertext: flipped(sealed.ciphertext, 0) })],
      ['a flipped last byte', (sealed) => ({ ...sealed, ciphertext: flipped(sealed.ciphertext, -1) })],
      ['a flipped byte inside', (sealed) => ({ ...sealed, ciphertext: flipped(sealed.ciphertext, 29) })],
      ['a cut ciphertext', (sealed) => ({ ...sealed, ciphertext: sealed.ciphertext.slice(0, -1) })],
      ['a ciphertext of 27 bytes', (sealed) => ({ ...sealed, ciphertext: sealed.ciphertext.slice(0, 27) })],
      ['no ciphertext', (sealed) => ({ ...sealed, ciphertext: new Uint8Array() })],
      ['a flipped data key', (sealed) => ({ ...sealed, dataKey: flipped(sealed.dataKey, -1) })],
      ['no data key', (sealed) => ({ ...sealed, dataKey: new Uint8Array() })],
      ['the data key of another token', (sealed, other) => ({ ...sealed, dataKey: other.dataKey })],
      ['a scope it was not armed for', (sealed) => ({ ...sealed, scope: 'flow-1' })],
    ];
    test.for(changes)('does not open with %s', async ([, change]) => {
      const cipher = createCipher();
      const changed = change(await sealedBy(cipher), await sealedBy(cipher));
      await expect(cipher.open(changed, CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
    });

    describe('armed for a scope, because the grant is not known yet', () => {
      async function scoped(cipher: Cipher, scope = 'flow-1'): Promise<Sealed> {
        const sealer = await cipher.arm({ provider: 'xero', purpose: 'refresh', scope });
        return sealer.seal(new Secret(TOKEN), CONTEXT.grant, 'attempt-7');
      }

      test('seals for the grant that turns up, and opens under it', async () => {
        const cipher = createCipher();
        const sealed = await scoped(cipher);
        expect(sealed.scope).toBe('flow-1');
        expect((await cipher.open(sealed, CONTEXT)).open()).toBe(TOKEN);
      });

      test('does not open under another grant', async () => {
        const cipher = createCipher();
        const opening = cipher.open(await scoped(cipher), { ...CONTEXT, grant: 'xero#user-2' });
        await expect(opening).rejects.toMatchObject({ code: 'token_undecryptable' });
      });

      test('does not open under another scope, or none', async () => {
        const cipher = createCipher();
        const { scope: _, ...bare } = await scoped(cipher);
        await expect(cipher.open(bare, CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
        const other = cipher.open({ ...bare, scope: 'flow-2' }, CONTEXT);
        await expect(other).rejects.toMatchObject({ code: 'token_undecryptable' });
      });
    });

    test('what another cipher sealed does not open', async () => {
      const sealed = await sealedBy(createCipher());
      await expect(createCipher().open(sealed, CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
    });
  });
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const index = at < 0 ? bytes.length + at : at;
  return Uint8Array.from(bytes, (byte, position) => (position === index ? byte ^ 1 : byte));
}
