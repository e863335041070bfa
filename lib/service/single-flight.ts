/** Runs one task per key at a time in this process; callers that come while it runs share its result, good or bad. */
export type SingleFlight = <T>(key: string, task: () => Promise<T>) => Promise<T>;

/** Tasks under one key must have the same type of result. */
export function createSingleFlight(): SingleFlight {
  const running = new Map<string, Promise<unknown>>();
  return <T>(key: string, task: () => Promise<T>) => {
    const shared = running.get(key);
    if (shared !== undefined) return shared as Promise<T>;
    const flight = task().finally(() => running.delete(key));
    running.set(key, flight);
    return flight;
  };
}
