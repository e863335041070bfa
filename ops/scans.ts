import { ScanCommand, type ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import { toRecord } from '../lib/aws/record.ts';
import type { AuditRow } from '../lib/domain/audit.ts';
import type { Connection } from '../lib/domain/connection.ts';
import type { Flow } from '../lib/domain/flow.ts';
import type { GrantKey } from '../lib/domain/grant.ts';
import type { ProviderId } from '../lib/domain/names.ts';
import type { Session } from './command.ts';

/** Whole tables read through, page by page: what only an operator does, because it costs as much as the table is large. */

/** Items looked at per page: some hundred kB, so that what is done with them begins soon. */
const PAGE = 500;
/** Bounds the walk, at half a thousand items each: fifty million. */
const MAX_PAGES = 100_000;
/** Values of one filter. */
const MAX_VALUES = 100;

type Clients = Pick<Session, 'clients'>;

/** Connections that are not ended, of one provider, in no order. */
export async function* heldConnections(
  session: Clients,
  table: string,
  provider: ProviderId,
): AsyncGenerator<readonly Connection[]> {
  yield* connectionPages(session, {
    TableName: table,
    FilterExpression: '#provider = :provider AND #status IN (:connected, :lost)',
    ExpressionAttributeNames: { '#provider': 'provider', '#status': 'status' },
    ExpressionAttributeValues: { ':provider': provider, ':connected': 'connected', ':lost': 'tenant_lost' },
  });
}

/** Connections of every organisation, ended ones too, that name one of these grants. */
export async function connectionsOn(
  session: Clients,
  table: string,
  grants: readonly GrantKey[],
): Promise<readonly Connection[]> {
  if (grants.length === 0) return [];
  if (grants.length > MAX_VALUES) throw new RangeError(`an organisation has at most ${MAX_VALUES} grants`);
  const values = Object.fromEntries(grants.map((grant, index) => [`:grant${index}`, grant]));
  const found: Connection[] = [];
  const pages = connectionPages(session, {
    TableName: table,
    FilterExpression: `#grant IN (${Object.keys(values).join(', ')})`,
    ExpressionAttributeNames: { '#grant': 'grant' },
    ExpressionAttributeValues: values,
  });
  for await (const page of pages) found.push(...page);
  return found;
}

/** Connect flows of an organisation that have not been forgotten yet; they are after a day. */
export async function flowsOf(session: Clients, table: string, organizationId: string): Promise<readonly Flow[]> {
  const found: Flow[] = [];
  const pages = scan(session, {
    TableName: table,
    FilterExpression: 'organizationId = :organization',
    ExpressionAttributeValues: { ':organization': organizationId },
  });
  for await (const page of pages) found.push(...page.map((item) => toRecord('flows', item)));
  return found;
}

/** Audit rows that name an organisation, wherever they stand. */
export async function* rowsNaming(
  session: Clients,
  table: string,
  organizationId: string,
): AsyncGenerator<readonly AuditRow[]> {
  const pages = scan(session, {
    TableName: table,
    FilterExpression: 'organizationId = :organization',
    ExpressionAttributeValues: { ':organization': organizationId },
  });
  for await (const page of pages) yield page.map((item) => toRecord('audit', item));
}

/** Claims lie in the same table and have no provider and no grant. */
async function* connectionPages(session: Clients, input: ScanCommandInput): AsyncGenerator<readonly Connection[]> {
  for await (const page of scan(session, input)) {
    const connections = page.map((item) => toRecord('connections', item));
    yield connections.filter((record): record is Connection => 'status' in record);
  }
}

async function* scan(
  { clients }: Clients,
  input: ScanCommandInput,
): AsyncGenerator<readonly Record<string, unknown>[]> {
  let start: ScanCommandInput['ExclusiveStartKey'];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const command = new ScanCommand({
      ...input,
      Limit: PAGE,
      ConsistentRead: true,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    const { Items = [], LastEvaluatedKey } = await clients.dynamoDb.send(command);
    if (Items.length > 0) yield Items;
    if (LastEvaluatedKey === undefined) return;
    start = LastEvaluatedKey;
  }
  throw new RangeError(`${input.TableName} did not end within ${MAX_PAGES} pages`);
}
