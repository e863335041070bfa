import { createPutEvents } from '../lib/aws/events.ts';
import { eventBusName } from '../lib/domain/names.ts';
import { createEmitEvent, flushEvents } from '../lib/runtime/events.ts';
import type { RevokePorts } from '../lib/service/revoke-all.ts';
import { createTellingStore } from '../lib/service/telling-store.ts';
import type { Session } from './command.ts';
import { type Place, readPolicies } from './place.ts';
import { pausedOf, readReservations } from './refreshers.ts';

/** What ending connections needs: the store, telling subscribers of each as a disconnect by the API does, and the policies. */
export async function endingPorts(
  session: Session,
  { environment, store, clock }: Place<'grants' | 'connections' | 'audit'>,
): Promise<RevokePorts & { readonly store: Place['store']; flush(): Promise<void> }> {
  const nothing = () => undefined;
  const put = createPutEvents({ client: session.clients.events, busName: eventBusName(environment), environment });
  const emit = createEmitEvent({
    put,
    count: nothing,
    log: (_level, message, { count }) => session.terminal.tell(`${message}${count === undefined ? '' : `: ${count}`}`),
  });
  return {
    store: createTellingStore(store, emit),
    clock,
    policies: await readPolicies(session, environment),
    count: nothing,
    log: nothing,
    flush: flushEvents,
  };
}

/** What has to be said where the sweep is needed and stands still. */
export async function pausedWarning(session: Session, environment: string): Promise<readonly string[]> {
  const paused = pausedOf(await readReservations(session, environment));
  if (!paused.includes('refresh-due')) return [];
  return [`refresh-due is paused: the providers are told only after npm run ops -- resume --env ${environment}`];
}
