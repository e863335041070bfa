import { APP, eventBusName, metricNamespace, TABLE_VARIABLES, TABLES, VARIABLES } from '../lib/domain/names.ts';
import type { Config } from './config.ts';
import type { FunctionSpec, Setting } from './function-spec.ts';
import type { StatefulStack } from './stateful-stack.ts';

/** The environment of a function: the settings its spec names, the tables and key it uses, and what every function needs. */
export function variablesFor(
  spec: FunctionSpec,
  {
    config,
    stateful,
  }: {
    readonly config: Config;
    readonly stateful: Pick<StatefulStack, 'tables' | 'tokenKey' | 'tableKey' | 'rescueQueue'>;
  },
): Record<string, string> {
  const tables = TABLES.filter((name) => spec.tables[name] !== undefined);
  const settings = spec.settings.map((name) => [VARIABLES[name], settingText(config, name)] as const);
  const { queue, deadLetter } = stateful.rescueQueue;
  const countsRescues = spec.rescues?.includes('counts') ?? false;
  // `rescue` is given its messages.
  const sendsRescues = spec.rescues?.includes('sends') ?? false;
  const usesKey = spec.seals !== undefined || spec.opens !== undefined;
  return {
    [VARIABLES.environment]: config.environment,
    [VARIABLES.logLevel]: config.logLevel,
    POWERTOOLS_SERVICE_NAME: APP,
    POWERTOOLS_METRICS_NAMESPACE: metricNamespace(config.environment),
    // Stack traces of the minified bundle name source lines.
    NODE_OPTIONS: '--enable-source-maps',
    ...Object.fromEntries(tables.map((name) => [TABLE_VARIABLES[name], stateful.tables.byName[name].tableName])),
    ...(sendsRescues || countsRescues ? { [VARIABLES.rescueQueueUrl]: queue.queueUrl } : {}),
    ...(countsRescues ? { [VARIABLES.rescueDeadLetterUrl]: deadLetter.queueUrl } : {}),
    ...(spec.emits ? { [VARIABLES.eventBus]: eventBusName(config.environment) } : {}),
    ...(spec.watchesFleet ? { [VARIABLES.tableKeyArn]: stateful.tableKey.key.keyArn } : {}),
    ...(usesKey ? { [VARIABLES.keyArn]: stateful.tokenKey.key.keyArn } : {}),
    ...Object.fromEntries(settings.filter(([, text]) => text !== undefined)),
  };
}

/** A setting as `lib/runtime/config.ts` reads it; undefined leaves the variable out. */
function settingText(config: Config, name: Setting): string | undefined {
  switch (name) {
    case 'returnUrls':
      return config.returnUrls.length === 0 ? undefined : config.returnUrls.join(',');
    case 'providerOrigins':
      return config.providerOrigins && JSON.stringify(config.providerOrigins);
    case 'allowSharedGrants':
    case 'refreshAheadSeconds':
    case 'onDemandSeconds':
    case 'keepAliveDays':
    case 'leaseSeconds':
    case 'circuitFailures':
    case 'circuitResetSeconds':
    case 'backoffBaseMs':
    case 'backoffCapSeconds':
      return String(config[name]);
    default:
      return config[name];
  }
}
