import type { App } from 'aws-cdk-lib';
import { APP } from '../lib/domain/names.ts';
import { type Config, readConfig } from './config.ts';
import { EdgeStack } from './edge-stack.ts';
import { ServiceStack } from './service-stack.ts';
import { StatefulStack } from './stateful-stack.ts';
import { WatchStack } from './watch-stack.ts';

/** The stacks of one environment. */
export interface Grantkeeper {
  readonly config: Config;
  readonly stateful: StatefulStack;
  readonly service: ServiceStack;
  readonly edge: EdgeStack;
  readonly watch: WatchStack;
}

/**
 * Adds one environment's stacks to the app, each using only those before it: what must not be lost, the functions, the
 * HTTP API, the alarms. Values pass between them as CloudFormation exports: cdk.json sets the one recommended flag it
 * deviates in, `defaultCrossStackReferences`, to "strong", so CloudFormation refuses to delete or replace a table, key
 * or secret that functions still use. The region is concrete because tables with a customer key need it; the account
 * is the deployer's. Throws `ConfigError`.
 */
export function buildGrantkeeper(app: App): Grantkeeper {
  const config = readConfig((name) => app.node.tryGetContext(name));
  const named = (name: string) => ({
    stackName: `${APP}-${config.environment}-${name}`,
    description: `Grantkeeper ${config.environment}: ${name}`,
    env: { region: config.region },
    config,
  });
  const stateful = new StatefulStack(app, 'stateful', {
    ...named('stateful'),
    terminationProtection: config.environment === 'prod',
  });
  const service = new ServiceStack(app, 'service', { ...named('service'), stateful });
  const edge = new EdgeStack(app, 'edge', { ...named('edge'), functions: service.functions });
  const watch = new WatchStack(app, 'watch', named('watch'));
  // It names nothing of theirs, but deployed first, or removed last, it would page that no sweep runs.
  watch.addStackDependency(edge);
  return { config, stateful, service, edge, watch };
}
