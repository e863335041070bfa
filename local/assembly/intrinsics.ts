import { AssemblyError, type Identity, isRecord, type Stack, type TemplateResource } from './template.ts';

/** Where the local platform pretends to be. The account number is one that nobody owns. */
export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';

/** Identity of a resource; `resolve` is for physical names that are themselves computed. */
export type Identify = (
  stack: Stack,
  logicalId: string,
  resource: TemplateResource,
  resolve: (value: unknown) => unknown,
) => Identity;

/** Gives the value of any template expression, with intrinsics replaced. */
export type Resolve = (stack: Stack, value: unknown) => unknown;

const NO_VALUE = Symbol('AWS::NoValue');

/**
 * A resolver over all stacks of an assembly. Understands Ref (resources, parameters with a default, pseudo
 * parameters), Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select, Fn::Split and Fn::ImportValue; `AWS::NoValue` removes the
 * property or element. Any other `Fn::` function, an unknown reference, attribute or export throws `AssemblyError`.
 */
export function createResolver(stacks: readonly Stack[], identify: Identify): Resolve {
  const resolver = new Resolver(stacks, identify);
  return (stack, value) => resolver.resolve(stack, value);
}

class Resolver {
  readonly #stacks: readonly Stack[];
  readonly #identify: Identify;

  constructor(stacks: readonly Stack[], identify: Identify) {
    this.#stacks = stacks;
    this.#identify = identify;
  }

  resolve(stack: Stack, value: unknown): unknown {
    const resolved = this.#evaluate(stack, value);
    return resolved === NO_VALUE ? undefined : resolved;
  }

  #evaluate(stack: Stack, value: unknown): unknown {
    if (Array.isArray(value))
      return value.map((item) => this.#evaluate(stack, item)).filter((item) => item !== NO_VALUE);
    if (!isRecord(value)) return value;
    const [key, ...others] = Object.keys(value);
    if (key !== undefined && others.length === 0 && (key === 'Ref' || key.startsWith('Fn::'))) {
      return this.#call(stack, key, value[key]);
    }
    const entries = Object.entries(value).map(([name, item]) => [name, this.#evaluate(stack, item)] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
  }

  #call(stack: Stack, name: string, argument: unknown): unknown {
    switch (name) {
      case 'Ref':
        return this.#reference(stack, String(argument));
      case 'Fn::GetAtt':
        return this.#attribute(stack, argument);
      case 'Fn::Sub':
        return this.#substitute(stack, argument);
      case 'Fn::Join': {
        const [separator, parts] = this.#pair(stack, name, argument);
        return list(stack, name, parts).map(String).join(String(separator));
      }
      case 'Fn::Select': {
        const [index, items] = this.#pair(stack, name, argument);
        const item = list(stack, name, items)[Number(index)];
        if (item === undefined) throw new AssemblyError(`${stack.name}: Fn::Select has no element ${String(index)}`);
        return item;
      }
      case 'Fn::Split': {
        const [separator, text] = this.#pair(stack, name, argument);
        return String(text).split(String(separator));
      }
      case 'Fn::ImportValue':
        return this.#imported(stack, String(this.#evaluate(stack, argument)));
      default:
        throw new AssemblyError(`${stack.name}: ${name} is not supported by the local platform`);
    }
  }

  #pair(stack: Stack, name: string, argument: unknown): readonly [unknown, unknown] {
    if (!Array.isArray(argument) || argument.length !== 2)
      throw new AssemblyError(`${stack.name}: ${name} is malformed`);
    return [this.#evaluate(stack, argument[0]), this.#evaluate(stack, argument[1])];
  }

  #identityOf(stack: Stack, logicalId: string): Identity {
    const resource = stack.template.Resources?.[logicalId];
    if (resource === undefined) throw new AssemblyError(`${stack.name}: nothing is called ${logicalId}`);
    return this.#identify(stack, logicalId, resource, (value) => this.resolve(stack, value));
  }

  #reference(stack: Stack, name: string): unknown {
    if (name.startsWith('AWS::')) return pseudoParameter(stack, name);
    const parameter = stack.template.Parameters?.[name];
    if (parameter?.Default !== undefined) return parameter.Default;
    return this.#identityOf(stack, name).ref;
  }

  #attribute(stack: Stack, argument: unknown): string {
    const path = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
    const [logicalId = '', ...rest] = path;
    const value = this.#identityOf(stack, logicalId).attributes[rest.join('.')];
    if (value !== undefined) return value;
    const type = stack.template.Resources?.[logicalId]?.Type;
    throw new AssemblyError(
      `${stack.name}: attribute ${rest.join('.')} of ${logicalId} (${type}) is not known locally`,
    );
  }

  #substitute(stack: Stack, argument: unknown): string {
    const [text, variables] = Array.isArray(argument) ? [argument[0], argument[1]] : [argument, {}];
    return String(text).replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (isRecord(variables) && name in variables) return String(this.#evaluate(stack, variables[name]));
      return String(name.includes('.') ? this.#attribute(stack, name) : this.#reference(stack, name));
    });
  }

  #imported(stack: Stack, name: string): unknown {
    for (const other of this.#stacks) {
      for (const output of Object.values(other.template.Outputs ?? {})) {
        if (output.Export && this.#evaluate(other, output.Export.Name) === name)
          return this.#evaluate(other, output.Value);
      }
    }
    throw new AssemblyError(`${stack.name}: no stack exports ${name}`);
  }
}

function list(stack: Stack, name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new AssemblyError(`${stack.name}: ${name} needs a list`);
  return value;
}

function pseudoParameter(stack: Stack, name: string): unknown {
  switch (name) {
    case 'AWS::Region':
      return REGION;
    case 'AWS::AccountId':
      return ACCOUNT;
    case 'AWS::Partition':
      return 'aws';
    case 'AWS::URLSuffix':
      return 'amazonaws.com';
    case 'AWS::StackName':
      return stack.name;
    case 'AWS::StackId':
      return `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack.name}/local`;
    case 'AWS::NoValue':
      return NO_VALUE;
    default:
      throw new AssemblyError(`${stack.name}: the pseudo parameter ${name} is not supported by the local platform`);
  }
}
