import { createHash } from 'node:crypto';
import { ACCOUNT, type Identify, REGION } from './intrinsics.ts';
import { AssemblyError, type Identity } from './template.ts';

/** Where AWS's queues are. No request goes there: who is given a queue's URL here is given it on this machine's port. */
export const QUEUE_ORIGIN = `https://sqs.${REGION}.amazonaws.com`;

interface Naming {
  readonly stackName: string;
  readonly logicalId: string;
  /** A resolved property as text, `undefined` when it is absent. */
  text(property: string): string | undefined;
  /** The given property, or a name made of stack and logical id as CloudFormation would. */
  name(property: string): string;
}

/**
 * Names a resource as CloudFormation would: what `Ref` gives and the attributes that exist for its type. Names are
 * the same in every run, so that nothing depends on the order of creation. Types that are not listed answer `Ref`
 * with their name and have no attributes.
 */
export const identify: Identify = (stack, logicalId, resource, resolve) => {
  const properties = resource.Properties ?? {};
  const naming: Naming = {
    stackName: stack.name,
    logicalId,
    text(property) {
      const value = resolve(properties[property]);
      return value === undefined ? undefined : String(value);
    },
    name: (property) => naming.text(property) ?? `${stack.name}-${logicalId}`.slice(-64),
  };
  return (NAMERS[resource.Type] ?? unknownType)(naming);
};

/** Six hexadecimal characters or more that stay the same for a resource. */
function stableHash(naming: Naming): string {
  return createHash('sha256').update(`${naming.stackName}/${naming.logicalId}`).digest('hex');
}

function stableUuid(naming: Naming): string {
  return stableHash(naming).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function arn(service: string, resource: string, region = REGION): string {
  return `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
}

function named(name: string, attributes: Record<string, string>): Identity {
  return { ref: name, attributes };
}

const table = (naming: Naming): Identity => {
  const name = naming.name('TableName');
  const tableArn = arn('dynamodb', `table/${name}`);
  return named(name, {
    Arn: tableArn,
    TableId: stableUuid(naming),
    StreamArn: `${tableArn}/stream/2020-01-01T00:00:00.000`,
  });
};

const idOnly = (naming: Naming): Identity => named(stableHash(naming).slice(0, 10), {});

const NAMERS: Readonly<Record<string, (naming: Naming) => Identity>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::KMS::Key': (naming) => {
    const keyId = stableUuid(naming);
    return named(keyId, { KeyId: keyId, Arn: arn('kms', `key/${keyId}`) });
  },
  'AWS::KMS::Alias': (naming) => named(naming.name('AliasName'), {}),
  'AWS::SecretsManager::Secret': (naming) => {
    const secretArn = arn('secretsmanager', `secret:${naming.name('Name')}-${stableHash(naming).slice(0, 6)}`);
    return named(secretArn, { Id: secretArn });
  },
  'AWS::Lambda::Function': (naming) => {
    const name = naming.name('FunctionName');
    return named(name, { Arn: arn('lambda', `function:${name}`) });
  },
  'AWS::Lambda::Version': (naming) => {
    const functionArn = functionArnOf(naming.text('FunctionName') ?? '');
    return named(`${functionArn}:1`, { Version: '1', FunctionArn: `${functionArn}:1` });
  },
  'AWS::Lambda::Alias': (naming) => {
    const aliasArn = `${functionArnOf(naming.text('FunctionName') ?? '')}:${naming.text('Name')}`;
    return named(aliasArn, { AliasArn: aliasArn });
  },
  'AWS::IAM::Role': (naming) => {
    const name = naming.name('RoleName');
    return named(name, { Arn: arn('iam', `role/${name}`, ''), RoleId: stableHash(naming).slice(0, 20) });
  },
  'AWS::IAM::ManagedPolicy': (naming) => {
    const policyArn = arn('iam', `policy/${naming.name('ManagedPolicyName')}`, '');
    return named(policyArn, { PolicyArn: policyArn });
  },
  'AWS::Events::EventBus': (naming) => {
    const name = naming.name('Name');
    return named(name, { Name: name, Arn: arn('events', `event-bus/${name}`) });
  },
  'AWS::Events::Rule': (naming) => {
    const name = naming.name('Name');
    return named(name, { Arn: arn('events', `rule/${name}`) });
  },
  'AWS::SQS::Queue': (naming) => {
    const name = naming.name('QueueName');
    const url = `${QUEUE_ORIGIN}/${ACCOUNT}/${name}`;
    return named(url, { Arn: arn('sqs', name), QueueName: name, QueueUrl: url });
  },
  'AWS::SNS::Topic': (naming) => {
    const name = naming.name('TopicName');
    return named(arn('sns', name), { TopicArn: arn('sns', name), TopicName: name });
  },
  'AWS::Logs::LogGroup': (naming) => {
    const name = naming.name('LogGroupName');
    return named(name, { Arn: `${arn('logs', `log-group:${name}`)}:*` });
  },
  'AWS::CloudWatch::Alarm': (naming) => alarm(naming),
  'AWS::CloudWatch::CompositeAlarm': (naming) => alarm(naming),
  'AWS::WAFv2::WebACL': (naming) => {
    const id = stableUuid(naming);
    return named(`${naming.name('Name')}|${id}|REGIONAL`, {
      Arn: arn('wafv2', `regional/webacl/${naming.name('Name')}/${id}`),
      Id: id,
    });
  },
  'AWS::ApiGateway::RestApi': (naming) => {
    const id = stableHash(naming).slice(0, 10);
    return named(id, { RestApiId: id, RootResourceId: `${id}-root` });
  },
  'AWS::ApiGateway::Resource': (naming) => named(naming.logicalId, { ResourceId: naming.logicalId }),
  'AWS::ApiGateway::Stage': (naming) => named(naming.name('StageName'), {}),
  'AWS::ApiGateway::Deployment': (naming) => named(naming.logicalId, { DeploymentId: naming.logicalId }),
  'AWS::ApiGateway::Authorizer': (naming) => named(naming.logicalId, { AuthorizerId: naming.logicalId }),
  'AWS::ApiGateway::RequestValidator': idOnly,
  'AWS::ApiGateway::Model': (naming) => named(naming.name('Name'), {}),
};

function alarm(naming: Naming): Identity {
  const name = naming.name('AlarmName');
  return named(name, { Arn: arn('cloudwatch', `alarm:${name}`) });
}

function unknownType(naming: Naming): Identity {
  return named(`${naming.stackName}-${naming.logicalId}`, {});
}

/** The ARN of a function named by ARN or by name; a qualifier stays. */
export function functionArnOf(nameOrArn: string): string {
  if (nameOrArn === '') throw new AssemblyError('a function is referred to without a name');
  return nameOrArn.startsWith('arn:') ? nameOrArn : arn('lambda', `function:${nameOrArn}`);
}
