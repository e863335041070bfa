/** Where a fault can strike. `api` is CompanyInfo and Organisation. */
export const ENDPOINTS = ['authorize', 'token', 'revoke', 'connections', 'api', 'userinfo'] as const;
export type EndpointName = (typeof ENDPOINTS)[number];

/**
 * - `status`: that status; a provider error body if `error` is given, else none. Not processed.
 * - `html`: an HTML page, 502 unless `status` says otherwise. Processed only when that status is below 400.
 * - `error_json`: `{"error": error}` with 400 or `status`. Not processed.
 * - `drop_before`: connection reset, not processed. `drop_after_commit`: processed, then reset without an answer.
 * - `slow`: processed at once, answered after `delayMs`.
 * - `truncate`: processed, half of the body, then reset. `empty_200`: processed, 200 without a body.
 */
export const FAULT_KINDS = [
  'status',
  'html',
  'drop_after_commit',
  'drop_before',
  'slow',
  'truncate',
  'empty_200',
  'error_json',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly endpoint: EndpointName;
  readonly kind: FaultKind;
  readonly status?: number;
  readonly error?: string;
  /** Seconds, sent as Retry-After. */
  readonly retryAfter?: number;
  readonly delayMs?: number;
  /** How many requests it strikes. */
  readonly times: number;
}

/** Whether a request struck by the fault still reaches the provider's books. */
export function isProcessed(fault: Fault): boolean {
  if (fault.kind === 'html') return (fault.status ?? 502) < 400;
  return fault.kind !== 'status' && fault.kind !== 'error_json' && fault.kind !== 'drop_before';
}

/** Faults waiting for their requests, first in first out per endpoint. */
export class FaultPlan {
  #pending: Fault[] = [];

  add(fault: Fault): void {
    this.#pending.push(fault);
  }

  /** The fault for a request that has just arrived; it counts as used. */
  take(endpoint: EndpointName | undefined): Fault | undefined {
    const index = this.#pending.findIndex((fault) => fault.endpoint === endpoint);
    const fault = this.#pending[index];
    if (!fault) return undefined;
    if (fault.times > 1) this.#pending[index] = { ...fault, times: fault.times - 1 };
    else this.#pending.splice(index, 1);
    return fault;
  }

  pending(): readonly Fault[] {
    return this.#pending;
  }

  clear(): void {
    this.#pending = [];
  }
}
