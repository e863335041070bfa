/**
 * Failures on request, so that tests of the product can meet a throttle, a conflict or a lost answer at will. Nothing
 * fails unless asked to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsError, ConnectionFault } from './aws-error.ts';
import type { AwsRequest, AwsResponse } from './server.ts';

/** One planned failure. It applies to the next `times` requests that fit and is then gone. */
export interface Fault {
  /** The operation's name, such as `UpdateItem`, or `*` for any. */
  readonly operation: string;
  /**
   * An AWS error code; or `drop` (the socket is cut), `hang` (no answer until the client gives up), `delay` (only
   * `delayMs`, then all goes on as usual).
   */
  readonly code: string;
  readonly message?: string;
  /** HTTP status; default 400, and 500 for codes that start with `Internal`. */
  readonly status?: number;
  /** Default 1. */
  readonly times?: number;
  /** `before` (default): nothing has happened. `after`: the operation was carried out and only its answer is lost. */
  readonly when?: 'before' | 'after';
  /** Only requests of the principal of this name. */
  readonly principal?: string;
  /** Only requests whose input fits. */
  matches?(input: Record<string, unknown>): boolean;
  /** Waits this long before failing. */
  readonly delayMs?: number;
  /** The error itself, where it depends on the request; takes the place of code, message and status. */
  error?(request: AwsRequest): AwsError;
}

/** The planned failures of one service. */
export interface Faults {
  failNext(fault: Fault): void;
  /** Forgets every planned failure. */
  clear(): void;
  /** Carries a request out, with the first fault that fits, if any. */
  around(request: AwsRequest, perform: () => Promise<AwsResponse>): Promise<AwsResponse>;
}

/** A service's list of planned failures, empty. */
export function createFaults(): Faults {
  let planned: { fault: Fault; left: number }[] = [];
  function take(request: AwsRequest): Fault | undefined {
    const entry = planned.find(({ fault }) => fits(fault, request));
    if (!entry) return undefined;
    entry.left -= 1;
    planned = planned.filter(({ left }) => left > 0);
    return entry.fault;
  }
  return {
    failNext(fault) {
      planned.push({ fault, left: fault.times ?? 1 });
    },
    clear() {
      planned = [];
    },
    async around(request, perform) {
      const fault = take(request);
      if (!fault) return perform();
      if (fault.code === 'delay') {
        await sleep(fault.delayMs ?? 0);
        return perform();
      }
      if (fault.when === 'after') await perform();
      if (fault.delayMs) await sleep(fault.delayMs);
      throw failure(fault, request);
    },
  };
}

function fits(fault: Fault, request: AwsRequest): boolean {
  if (fault.operation !== '*' && fault.operation !== request.operation) return false;
  if (fault.principal !== undefined && fault.principal !== request.principal.name) return false;
  return fault.matches?.(request.input) ?? true;
}

function failure(fault: Fault, request: AwsRequest): Error {
  if (fault.code === 'drop' || fault.code === 'hang') return new ConnectionFault(fault.code);
  if (fault.error) return fault.error(request);
  const status = fault.status ?? (fault.code.startsWith('Internal') ? 500 : 400);
  return new AwsError(fault.code, fault.message ?? 'A failure that was asked for.', status);
}
