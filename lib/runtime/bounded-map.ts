/** A map that forgets the entry set longest ago when it would hold more than `limit`; for hints that may be lost. */
export function createBoundedMap<K, V>(limit: number): Pick<Map<K, V>, 'get' | 'set' | 'size'> {
  const entries = new Map<K, V>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.delete(key);
      const [oldest] = entries.keys();
      if (entries.size >= limit && oldest !== undefined) entries.delete(oldest);
      return entries.set(key, value);
    },
    get size() {
      return entries.size;
    },
  };
}
