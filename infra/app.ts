import { App } from 'aws-cdk-lib';
import { addChecks } from './checks.ts';
import { ConfigError } from './config.ts';
import { buildGrantkeeper } from './grantkeeper.ts';

/**
 * The CDK app: `cdk synth -c env=local|dev|staging|prod`. A wrong setting is told in one line per setting, without a stack
 * trace; a finding of cdk-nag that nobody acknowledged fails synthesis.
 */
try {
  const app = new App();
  const { config } = buildGrantkeeper(app);
  // The local assembly is never deployed and is made each time the platform starts.
  if (config.environment !== 'local') addChecks(app);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
