import type { BusRule } from '../aws/eventbridge-rules.ts';
import type { Collection, Resource } from './collect.ts';
import { AssemblyError, isRecord } from './template.ts';

/** The event buses of the templates; `default` always exists and is not listed. */
export function readBuses(collection: Collection): readonly { readonly name: string; readonly arn: string }[] {
  return collection
    .ofType('AWS::Events::EventBus')
    .map(({ identity }) => ({ name: identity.ref, arn: identity.attributes.Arn ?? '' }));
}

/** Whether a rule waits for events, and not for the time. */
export function isBusRule({ properties }: Resource): boolean {
  return properties.EventPattern !== undefined;
}

/**
 * The rules that wait for events. Their retries and dead-letter queues are reported as not run: a delivery never fails here.
 * Throws `AssemblyError` for a pattern that would be matched otherwise than on AWS.
 */
export function readBusRules(collection: Collection): readonly BusRule[] {
  return collection
    .ofType('AWS::Events::Rule')
    .filter(isBusRule)
    .map((rule) => readBusRule(collection, rule));
}

function readBusRule(collection: Collection, rule: Resource): BusRule {
  const { properties, identity } = rule;
  const targets = Array.isArray(properties.Targets) ? properties.Targets.filter(isRecord) : [];
  for (const setting of ['DeadLetterConfig', 'InputTransformer', 'InputPath', 'Input', 'RetryPolicy']) {
    if (targets.some((target) => target[setting] !== undefined)) collection.report(rule, `${setting} is ignored`);
  }
  return {
    name: identity.ref,
    bus: busNamed(properties.EventBusName),
    enabled: properties.State !== 'DISABLED',
    ...readPattern(rule),
    targetArns: targets.map(({ Arn }) => String(Arn)),
  };
}

/** A name, or an ARN that ends in one. */
function busNamed(value: unknown): string {
  const name = String(value ?? 'default');
  return name.slice(name.lastIndexOf('/') + 1);
}

function readPattern({ properties, logicalId }: Resource): Pick<BusRule, 'sources' | 'detailTypes'> {
  const pattern = isRecord(properties.EventPattern) ? properties.EventPattern : {};
  const { source, 'detail-type': detailType, ...others } = pattern;
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new AssemblyError(`${logicalId}: no rule here can look at ${unknown.join(', ')}`);
  return {
    ...(source === undefined ? {} : { sources: textsOf(source, logicalId) }),
    ...(detailType === undefined ? {} : { detailTypes: textsOf(detailType, logicalId) }),
  };
}

function textsOf(value: unknown, logicalId: string): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new AssemblyError(`${logicalId}: only lists of texts can be matched here`);
}
