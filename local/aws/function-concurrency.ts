import type { FunctionResource } from '../assembly/model.ts';

/** How many invocations of each function may run at once, as operators change it; by unqualified ARN. */
export interface FunctionConcurrency {
  /** Undefined: as many as the account allows. */
  reservedOf(arn: string): number | undefined;
  reserve(arn: string, executions: number): void;
  /** Gives the reservation back, also that of the template. */
  free(arn: string): void;
  /** Nothing of it may run: invocations are throttled, and neither schedule nor queue brings it anything. */
  isPaused(arn: string): boolean;
}

/**
 * Begins with what the template reserves. Here only 0 makes a difference at once: the number of execution environments is
 * the template's for as long as the platform runs.
 */
export function createFunctionConcurrency(
  functions: readonly Pick<FunctionResource, 'arn' | 'reservedConcurrency'>[],
): FunctionConcurrency {
  const reserved = new Map<string, number>();
  for (const { arn, reservedConcurrency } of functions) {
    if (reservedConcurrency !== undefined) reserved.set(arn, reservedConcurrency);
  }
  return {
    reservedOf: (arn) => reserved.get(arn),
    reserve(arn, executions) {
      reserved.set(arn, executions);
    },
    free(arn) {
      reserved.delete(arn);
    },
    isPaused: (arn) => reserved.get(arn) === 0,
  };
}
