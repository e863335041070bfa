import { type App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';

/** Makes synthesis of the app fail on any finding of cdk-nag's AwsSolutions and Serverless packs that is not acknowledged. */
export function addChecks(app: App): void {
  Validations.of(app).addPlugins(asErrors(new AwsSolutionsChecks()), asErrors(new ServerlessChecks()));
}

/** The pack with warnings as errors: CDK prints a warning and goes on. */
function asErrors(pack: AwsSolutionsChecks | ServerlessChecks): IPolicyValidationPlugin {
  return {
    name: pack.name,
    validate(context) {
      const { success, violations } = pack.validate(context);
      return { success, violations: violations.map((violation) => ({ ...violation, severity: 'error' })) };
    },
  };
}
