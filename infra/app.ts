import { App } from 'aws-cdk-lib';
import { ConfigError } from './config.ts';
import { buildGrantkeeper } from './grantkeeper.ts';

/** The CDK app: `cdk synth -c env=local|dev|staging|prod`. A wrong setting is told in one line per setting, without a stack trace. */
try {
  buildGrantkeeper(new App());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
