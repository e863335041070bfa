import { functionArnOf } from '../assembly/identity.ts';
import type { FunctionResource } from '../assembly/model.ts';

/** A function as it was asked for. */
export interface ResolvedFunction {
  readonly resource: FunctionResource;
  /** The ARN that was asked for, with its qualifier; what policies speak of and the context shows. */
  readonly invokedArn: string;
  /** `$LATEST` or a number. */
  readonly version: string;
}

const UNQUALIFIED_PARTS = 7;

/**
 * Finds the function that a name, `name:qualifier`, partial ARN (`account:function:name`) or ARN means. The qualifier
 * may also be given apart; it is an alias, a version or `$LATEST`. `undefined` when there is no such function or
 * qualifier, together with the ARN that was looked for.
 */
export function resolveFunction(
  functions: readonly FunctionResource[],
  nameOrArn: string,
  qualifier?: string,
): { readonly found: ResolvedFunction | undefined; readonly arn: string } {
  const named = nameOrArn.startsWith('arn:') ? nameOrArn : nameOrArn.replace(/^\d{12}:function:/, '');
  const parts = functionArnOf(named).split(':');
  const unqualifiedArn = parts.slice(0, UNQUALIFIED_PARTS).join(':');
  const asked = qualifier ?? parts[UNQUALIFIED_PARTS];
  const arn = asked === undefined ? unqualifiedArn : `${unqualifiedArn}:${asked}`;
  const resource = functions.find((candidate) => candidate.arn === unqualifiedArn);
  const version = resource && versionOf(resource, asked);
  if (resource === undefined || version === undefined) return { found: undefined, arn };
  return { found: { resource, invokedArn: arn, version }, arn };
}

function versionOf(resource: FunctionResource, qualifier: string | undefined): string | undefined {
  if (qualifier === undefined || qualifier === '$LATEST') return '$LATEST';
  return resource.aliases[qualifier] ?? resource.versions.find((version) => version === qualifier);
}
