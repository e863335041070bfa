import { randomUUID } from 'node:crypto';
import type { Organisation } from './companies.ts';

/** A user's link of one organisation to one app. */
export interface XeroConnection {
  /** Not the tenant id; new each time an organisation is connected after it had been removed. */
  readonly id: string;
  readonly organisation: Organisation;
  readonly userId: string;
  readonly clientId: string;
  /** The consent that connected it last. */
  readonly authEventId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

type Owner = Pick<XeroConnection, 'userId' | 'clientId'>;

/** Which organisations are connected. They live apart from tokens: either can go without the other. */
export class XeroConnections {
  #connections: readonly XeroConnection[] = [];

  /** Connects, or reconnects in place: the id stays and `updatedAt` moves. */
  connect(owner: Owner, organisation: Organisation, authEventId: string, now: number): void {
    const existing = this.find(owner, organisation.tenantId);
    const connection: XeroConnection = existing
      ? { ...existing, authEventId, updatedAt: now }
      : { ...owner, id: randomUUID(), organisation, authEventId, createdAt: now, updatedAt: now };
    this.#connections = [...this.#connections.filter((other) => other !== existing), connection];
  }

  list({ userId, clientId }: Owner): readonly XeroConnection[] {
    return this.#connections.filter((connection) => connection.userId === userId && connection.clientId === clientId);
  }

  find(owner: Owner, tenantId: string): XeroConnection | undefined {
    return this.list(owner).find((connection) => connection.organisation.tenantId === tenantId);
  }

  byId(owner: Owner, id: string): XeroConnection | undefined {
    return this.list(owner).find((connection) => connection.id === id);
  }

  /** Removes what fits; gives how many. */
  remove(fits: (connection: XeroConnection) => boolean): number {
    const left = this.#connections.filter((connection) => !fits(connection));
    const removed = this.#connections.length - left.length;
    this.#connections = left;
    return removed;
  }
}

/** As an item of `GET /connections`. Xero writes seven decimals and no zone. */
export function connectionItem(connection: XeroConnection): object {
  return {
    id: connection.id,
    authEventId: connection.authEventId,
    tenantId: connection.organisation.tenantId,
    tenantType: 'ORGANISATION',
    tenantName: connection.organisation.name,
    createdDateUtc: xeroDate(connection.createdAt),
    updatedDateUtc: xeroDate(connection.updatedAt),
  };
}

function xeroDate(at: number): string {
  return `${new Date(at).toISOString().slice(0, -1)}0000`;
}
