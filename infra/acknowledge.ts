import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Of cdk-nag, as it prints it: `AwsSolutions-IAM5[Resource::*]`, `Serverless-LambdaDLQ`. */
type Rule = `${'AwsSolutions' | 'Serverless'}-${string}`;

/**
 * Says that we mean what cdk-nag finds at this construct or below it, rule by rule, and why. Whatever nobody has
 * acknowledged fails synthesis (`checks.ts`).
 */
export function acknowledge(construct: IConstruct, reasons: Readonly<Partial<Record<Rule, string>>>): void {
  for (const [rule, reason] of Object.entries(reasons)) {
    // The pack's name stands in front a second time: CDK's namespace of the rule.
    Validations.of(construct).acknowledge({ id: `${rule.split('-')[0]}::${rule}`, reason: reason ?? '' });
  }
}
