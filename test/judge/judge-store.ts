import type { Adapter, StoredPayload } from 'oidc-provider';

/**
 * The judge's memory: as its own example keeps things, but without the limit of 1,000 entries after which that one
 * forgets. Nothing expires here; a run is short, and every token says its own expiry.
 */
export function createJudgeStore(): (model: string) => Adapter {
  const models = new Map<string, Adapter>();
  return (model) => {
    const adapter = models.get(model) ?? createAdapter();
    models.set(model, adapter);
    return adapter;
  };
}

function createAdapter(): Adapter {
  const stored = new Map<string, StoredPayload>();
  const ofGrant = new Map<string, Set<string>>();
  return {
    async upsert(id, payload) {
      stored.set(id, payload);
      const { grantId } = payload;
      if (grantId !== undefined) ofGrant.set(grantId, (ofGrant.get(grantId) ?? new Set()).add(id));
    },
    find: async (id) => stored.get(id),
    // Sessions and device flows, which nothing here uses.
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    async consume(id) {
      const payload = stored.get(id);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      stored.delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const id of ofGrant.get(grantId) ?? []) stored.delete(id);
      ofGrant.delete(grantId);
    },
  };
}
