import { identify } from './identity.ts';
import { createResolver, type Resolve } from './intrinsics.ts';
import type { NotRun, StackResource } from './model.ts';
import { AssemblyError, type Identity, isRecord, type Stack, type TemplateResource } from './template.ts';

/** One resource of a template with its properties resolved. */
export interface Resource {
  readonly stack: Stack;
  readonly logicalId: string;
  readonly type: string;
  readonly identity: Identity;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** All resources of an assembly, by type, and the list of what is not run. */
export interface Collection {
  ofType(...types: readonly string[]): readonly Resource[];
  /** The resource of these types that `Ref` or an attribute names so; throws `AssemblyError` when there is none. */
  find(value: unknown, ...types: readonly string[]): Resource;
  report(resource: Resource, reason: string): void;
  /** The stacks with their outputs. */
  readonly stacks: readonly StackResource[];
  readonly notRun: readonly NotRun[];
}

/** Types that need nothing done on a laptop and mean nothing to the code that runs there. */
const SILENT = new Set(['AWS::CDK::Metadata', 'AWS::Logs::LogGroup', 'AWS::ApiGateway::Deployment', 'AWS::IAM::Role']);

/** Types somebody in this folder reads. Everything else is reported as not run. */
const READ = new Set([
  'AWS::DynamoDB::Table',
  'AWS::DynamoDB::GlobalTable',
  'AWS::KMS::Key',
  'AWS::KMS::Alias',
  'AWS::SecretsManager::Secret',
  'AWS::Lambda::Function',
  'AWS::Lambda::Version',
  'AWS::Lambda::Alias',
  'AWS::Lambda::Permission',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::IAM::Policy',
  'AWS::IAM::ManagedPolicy',
  'AWS::SQS::Queue',
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::SNS::Topic',
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGateway::Resource',
  'AWS::ApiGateway::Method',
  'AWS::ApiGateway::Authorizer',
  'AWS::ApiGateway::GatewayResponse',
  'AWS::ApiGateway::Stage',
]);

/** Why most of what is not run is not. */
export const NO_SERVICE = 'the local platform has no such service';

const RESOURCE_POLICY = 'policies of resources are not enforced, those of roles are';

/** What is not run for another reason than that there is no such service. */
const OTHERWISE_NOT_RUN: Readonly<Record<string, string>> = {
  'AWS::SQS::QueuePolicy': RESOURCE_POLICY,
  'AWS::SNS::TopicPolicy': RESOURCE_POLICY,
  'AWS::Events::EventBusPolicy': RESOURCE_POLICY,
  'AWS::SNS::Subscription': 'nobody is sent anything; the platform keeps what is published on topics',
  'AWS::CloudWatch::Dashboard': 'nothing is drawn',
  'AWS::WAFv2::WebACL': 'no request is refused by the firewall',
  'AWS::WAFv2::WebACLAssociation': 'no request is refused by the firewall',
};

/** Resolves the resources of all stacks. Properties of types that are not run are left alone, so they cannot fail. */
export function collectResources(stacks: readonly Stack[]): Collection {
  const resolve = createResolver(stacks, identify);
  const notRun: NotRun[] = [];
  const resources: Resource[] = [];
  for (const stack of stacks) {
    for (const [logicalId, resource] of Object.entries(stack.template.Resources ?? {})) {
      const reason = reasonNotToRun(resource);
      if (reason !== undefined) notRun.push({ stack: stack.name, logicalId, type: resource.Type, reason });
      else resources.push(readResource(stack, logicalId, resource, resolve));
    }
  }
  const outputs = stacks.map((stack) => ({ name: stack.name, outputs: outputsOf(stack, { resolve, notRun }) }));
  return {
    notRun,
    stacks: outputs,
    ofType: (...types) => resources.filter((resource) => types.includes(resource.type)),
    find(value, ...types) {
      const found = resources.find((resource) => types.includes(resource.type) && isNamed(resource.identity, value));
      if (found === undefined) throw new AssemblyError(`no ${types.join(' or ')} is called ${String(value)}`);
      return found;
    },
    report(resource, reason) {
      notRun.push({ stack: resource.stack.name, logicalId: resource.logicalId, type: resource.type, reason });
    },
  };
}

function reasonNotToRun(resource: TemplateResource): string | undefined {
  if (SILENT.has(resource.Type)) return undefined;
  if (!READ.has(resource.Type)) return OTHERWISE_NOT_RUN[resource.Type] ?? NO_SERVICE;
  return resource.Condition === undefined ? undefined : `depends on the condition ${resource.Condition}`;
}

function readResource(stack: Stack, logicalId: string, resource: TemplateResource, resolve: Resolve): Resource {
  const properties = resolve(stack, resource.Properties ?? {});
  return {
    stack,
    logicalId,
    type: resource.Type,
    identity: identify(stack, logicalId, resource, (value) => resolve(stack, value)),
    properties: isRecord(properties) ? properties : {},
    metadata: resource.Metadata ?? {},
  };
}

/** What a stack tells of itself. An output that speaks of something that is not run may have no value here. */
function outputsOf(
  stack: Stack,
  { resolve, notRun }: { readonly resolve: Resolve; readonly notRun: NotRun[] },
): StackResource['outputs'] {
  const outputs = Object.entries(stack.template.Outputs ?? {}).flatMap(([name, { Value, Description }]) => {
    try {
      const description = Description === undefined ? {} : { description: Description };
      return [[name, { value: String(resolve(stack, Value)), ...description }] as const];
    } catch (error) {
      if (!(error instanceof AssemblyError)) throw error;
      notRun.push({ stack: stack.name, logicalId: name, type: 'Output', reason: error.message });
      return [];
    }
  });
  return Object.fromEntries(outputs);
}

function isNamed(identity: Identity, value: unknown): boolean {
  return identity.ref === value || Object.values(identity.attributes).some((attribute) => attribute === value);
}
