import { join } from 'node:path';
import { Stack, type StackProps, Stage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { CONSUMER_MAP_FILE, FUNCTIONS, type FunctionName } from '../lib/domain/names.ts';
import { addBeside, bundleFunctions, placeholderFunctions } from './bundle.ts';
import type { Config } from './config.ts';
import { ConsumerAliases, consumerMap } from './consumer-aliases.ts';
import { functionSpecs } from './function-specs.ts';
import { LifecycleEvents } from './lifecycle-events.ts';
import { RescueSource } from './rescue-source.ts';
import { ServiceFunction } from './service-function.ts';
import type { StatefulStack } from './stateful-stack.ts';
import { SweepSchedule } from './sweep-schedule.ts';

export interface ServiceStackProps extends StackProps {
  readonly config: Config;
  readonly stateful: StatefulStack;
}

/** The functions, who may invoke get-token, what wakes rescue, whom events reach, and the clock of the sweep. */
export class ServiceStack extends Stack {
  readonly functions: Readonly<Record<FunctionName, ServiceFunction>>;

  constructor(scope: Construct, id: string, { config, stateful, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const codeDir = this.#writeCode(config);
    const specs = functionSpecs(config);
    const add = (name: FunctionName) => {
      const code = Code.fromAsset(join(codeDir, name));
      return new ServiceFunction(this, name, { name, spec: specs[name], code, config, stateful });
    };
    this.functions = Object.fromEntries(FUNCTIONS.map((name) => [name, add(name)])) as Record<
      FunctionName,
      ServiceFunction
    >;
    for (const name of FUNCTIONS) this.functions[name].connect(this.functions);
    new ConsumerAliases(this, 'Consumers', { getToken: this.functions['get-token'], config });
    new RescueSource(this, 'RescueSource', { rescue: this.functions.rescue, queue: stateful.rescueQueue.queue });
    new LifecycleEvents(this, 'Events', { config });
    new SweepSchedule(this, 'Sweep', { refreshDue: this.functions['refresh-due'] });
  }

  /** One folder per function within the cloud assembly; placeholders where CDK wants no bundling. */
  #writeCode(config: Config): string {
    const dir = join(Stage.of(this)?.outdir ?? 'cdk.out', 'functions');
    if (this.bundlingRequired) bundleFunctions(dir);
    else placeholderFunctions(dir);
    addBeside(dir, 'get-token', { name: CONSUMER_MAP_FILE, text: JSON.stringify(consumerMap(config.consumers)) });
    return dir;
  }
}
