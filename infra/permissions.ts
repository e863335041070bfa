import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EVENT_SOURCE } from '../lib/domain/lifecycle-event.ts';
import { APP, DUE_INDEX, eventBusName, metricNamespace, TABLES, type TableName } from '../lib/domain/names.ts';
import type { FunctionSpec, Purpose, RescueUse } from './function-spec.ts';
import type { StatefulStack } from './stateful-stack.ts';

/** Where the resources of the statements are. */
export interface PermissionContext {
  readonly environment: string;
  readonly stateful: Pick<StatefulStack, 'tables' | 'tokenKey' | 'tableKey' | 'secrets' | 'rescueQueue'>;
}

/**
 * The identity policy of a function's role: exactly what its spec says, on exactly those resources. Each statement has
 * an id, which keeps CDK from merging it into another and names it in the local platform's report of what was used.
 */
export function statementsFor(spec: FunctionSpec, context: PermissionContext): readonly PolicyStatement[] {
  return [
    ...tableStatements(spec, context),
    ...keyStatements(spec, context),
    ...secretStatements(spec, context),
    ...(spec.rescues ?? []).map((use) => rescueStatement(use, context)),
    ...(spec.emits ? [eventStatement(context)] : []),
    ...(spec.watchesFleet ? fleetStatements(context) : []),
  ];
}

function tableStatements(spec: FunctionSpec, { stateful }: PermissionContext): readonly PolicyStatement[] {
  const used = TABLES.filter((name) => (spec.tables[name] ?? []).length > 0);
  const statements = used.flatMap((name) => {
    const resources = [stateful.tables.byName[name].tableArn];
    const touched = spec.touches?.[name];
    const actions = (spec.tables[name] ?? []).filter((action) => touched === undefined || action !== 'UpdateItem');
    return [
      new PolicyStatement({
        sid: sidOf('Use', name),
        actions: actions.map((action) => `dynamodb:${action}`),
        resources,
      }),
      ...(touched === undefined ? [] : [touchStatement(name, touched, resources)]),
    ];
  });
  if (spec.queriesDue === undefined) return statements;
  const due = new PolicyStatement({
    sid: 'QueryDue',
    actions: ['dynamodb:Query'],
    resources: [`${stateful.tables.byName.grants.tableArn}/index/${DUE_INDEX}`],
  });
  return [...statements, due];
}

/**
 * An update that mentions these attributes and no others, and gives nothing of the item back. `Null` is there because
 * ForAllValues also holds for a request without attributes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function touchStatement(name: TableName, attributes: readonly string[], resources: string[]): PolicyStatement {
  return new PolicyStatement({
    sid: sidOf('Touch', name),
    actions: ['dynamodb:UpdateItem'],
    resources,
    conditions: {
      'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes },
      StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
      Null: { 'dynamodb:Attributes': 'false' },
    },
  });
}

function keyStatements(spec: FunctionSpec, context: PermissionContext): readonly PolicyStatement[] {
  const allow = (sid: string, action: string, purposes: readonly Purpose[]) =>
    new PolicyStatement({
      sid,
      actions: [action],
      resources: [context.stateful.tokenKey.key.keyArn],
      conditions: {
        StringEquals: {
          'kms:EncryptionContext:app': APP,
          'kms:EncryptionContext:env': context.environment,
          'kms:EncryptionContext:purpose': purposes,
        },
      },
    });
  return [
    ...(spec.seals === undefined ? [] : [allow('SealTokens', 'kms:GenerateDataKey', spec.seals)]),
    ...(spec.opens === undefined ? [] : [allow('OpenTokens', 'kms:Decrypt', spec.opens)]),
  ];
}

function secretStatements(spec: FunctionSpec, { stateful }: PermissionContext): readonly PolicyStatement[] {
  const { clients, stateKeys } = stateful.secrets;
  const read = (sid: string, resources: string[]) =>
    new PolicyStatement({ sid, actions: ['secretsmanager:GetSecretValue'], resources });
  return [
    ...(spec.readsClientSecrets
      ? [
          read(
            'ReadClientSecrets',
            clients.map(({ secretArn }) => secretArn),
          ),
        ]
      : []),
    ...(spec.readsStateKeys ? [read('ReadStateKeys', [stateKeys.secretArn])] : []),
  ];
}

function rescueStatement(use: RescueUse, { stateful }: PermissionContext): PolicyStatement {
  const { queue, deadLetter } = stateful.rescueQueue;
  // What Lambda's poller uses in the role's name; the same as AWSLambdaSQSQueueExecutionRole has.
  const receiving = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];
  const allow = (sid: string, actions: readonly string[], resources: string[]) =>
    new PolicyStatement({ sid, actions: actions.map((action) => `sqs:${action}`), resources });
  switch (use) {
    case 'sends':
      return allow('SendRescues', ['SendMessage'], [queue.queueArn]);
    case 'counts':
      return allow('CountRescues', ['GetQueueAttributes'], [queue.queueArn, deadLetter.queueArn]);
    case 'receives':
      return allow('ReceiveRescues', receiving, [queue.queueArn]);
  }
}

function eventStatement({ environment, stateful }: PermissionContext): PolicyStatement {
  const bus = Stack.of(stateful.tokenKey.key).formatArn({
    service: 'events',
    resource: 'event-bus',
    resourceName: eventBusName(environment),
  });
  return new PolicyStatement({
    sid: 'TellEvents',
    actions: ['events:PutEvents'],
    resources: [bus],
    conditions: { StringEquals: { 'events:source': EVENT_SOURCE } },
  });
}

function fleetStatements({ environment, stateful }: PermissionContext): readonly PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'PublishGauges',
      actions: ['cloudwatch:PutMetricData'],
      // The action knows no resources; the namespace is what can be held to.
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': metricNamespace(environment) } },
    }),
    new PolicyStatement({
      sid: 'LookAtKeys',
      actions: ['kms:DescribeKey'],
      resources: [stateful.tokenKey.key.keyArn, stateful.tableKey.key.keyArn],
    }),
  ];
}

function sidOf(verb: string, table: TableName): string {
  return `${verb}${table.charAt(0).toUpperCase()}${table.slice(1)}`;
}
