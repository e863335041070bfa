import type { TenantDirectory } from '../../lib/service/ports.ts';
import type { SimContext } from './context.ts';
import type { Process } from './process.ts';

/** The provider's list of companies as one process reaches it. */
export function directoryOf({ network, provider }: SimContext, process: Process): TenantDirectory {
  const lost = () => undefined;
  return {
    subjectOf: (_, accessToken) => provider.subjectOf(accessToken.open()),
    async list({ accessToken, thisAuthorizationOnly }) {
      const carryOut = () => provider.listing(accessToken.open(), thisAuthorizationOnly) ?? 'unauthorized';
      const addressed = { subject: `list ${process.name}`, isUnderLease: false };
      const reply = await network.send(process, addressed, { carryOut, lost });
      if (reply.kind !== 'answered') return { kind: 'unknown', reason: 'http_503' };
      if (reply.answer === 'unauthorized') return { kind: 'unauthorized', reason: 'http_401' };
      return { kind: 'listed', tenants: reply.answer };
    },
    async detach({ accessToken, providerConnectionId }) {
      const value = accessToken.open();
      const carryOut = () => provider.detach(value, providerConnectionId);
      const addressed = { subject: provider.subjectOf(value) ?? value, isUnderLease: true };
      const reply = await network.send(process, addressed, { carryOut, lost });
      if (reply.kind !== 'answered') return { kind: 'RETRY', reason: 'http_503' };
      return reply.answer ? { kind: 'DONE' } : { kind: 'UNAUTHORIZED', reason: 'http_401' };
    },
  };
}
