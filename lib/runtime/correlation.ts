import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** What a caller may choose as correlation id: anything else is replaced, because it is printed in every log line. */
const CORRELATION_ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/** Everything `run` starts, awaited or not, sees this correlation id. */
export function withCorrelationId<T>(id: string, run: () => T): T {
  return storage.run(id, run);
}

/** The correlation id of the invocation in progress, if there is one. */
export function correlationId(): string | undefined {
  return storage.getStore();
}

/** The first candidate that has the form of an id. */
export function chooseCorrelationId(...candidates: readonly unknown[]): string {
  const chosen = candidates.find((each) => typeof each === 'string' && CORRELATION_ID_PATTERN.test(each));
  return typeof chosen === 'string' ? chosen : 'none';
}
