import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { type FunctionName, SWEEPS_AT_ONCE } from '../lib/domain/names.ts';
import type { Session } from './command.ts';
import { functionNameOf } from './place.ts';

/**
 * The functions that send refresh tokens or store them, in the order in which they are started again: first who refreshes
 * only what somebody asks for, last the sweep, which refreshes everybody.
 */
export const REFRESHERS = ['refresh-grant', 'finish-connect', 'rescue', 'refresh-due'] as const;
export type Refresher = (typeof REFRESHERS)[number];

/** How many of each may run at once; undefined: as many as the account allows. */
export type Reservations = Readonly<Record<Refresher, number | undefined>>;

/** What Lambda has reserved for the refreshers of an environment. */
export async function readReservations({ clients }: Session, environment: string): Promise<Reservations> {
  const read = REFRESHERS.map(async (name) => {
    const FunctionName = functionNameOf(environment, name);
    const answer = await clients.lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }));
    return [name, answer.ReservedConcurrentExecutions] as const;
  });
  return Object.fromEntries(await Promise.all(read)) as Reservations;
}

/** The refreshers that stand still. */
export function pausedOf(reservations: Reservations): readonly Refresher[] {
  return REFRESHERS.filter((name) => reservations[name] === 0);
}

/** What a deployment reserves for a refresher. */
export function usualReservation(name: Refresher): number | undefined {
  return name === 'refresh-due' ? SWEEPS_AT_ONCE : undefined;
}

/** Reserves so many for a function; undefined gives its reservation back. */
export async function reserve(
  { clients }: Session,
  environment: string,
  { name, executions }: { readonly name: FunctionName; readonly executions: number | undefined },
): Promise<void> {
  const FunctionName = functionNameOf(environment, name);
  if (executions === undefined) await clients.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  else {
    const ReservedConcurrentExecutions = executions;
    await clients.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
  }
}

/** A reservation for people. */
export function reservationText(executions: number | undefined): string {
  if (executions === undefined) return 'unreserved';
  return executions === 0 ? 'paused' : `at most ${executions} at once`;
}
