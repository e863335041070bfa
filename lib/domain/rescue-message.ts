import type { Authorization } from './bank-decision.ts';
import type { Issued } from './commit-decision.ts';

/**
 * What is put on the rescue queue when the store does not take tokens: the same sealed tokens that the store was offered, so
 * that whoever applies it decrypts nothing and decides by the same rules (protocol.md, write 17).
 */
export type RescueMessage =
  | { readonly v: 1; readonly kind: 'refresh'; readonly issued: Issued }
  | { readonly v: 1; readonly kind: 'bank'; readonly authorization: Authorization };
