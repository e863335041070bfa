/**
 * Identity policies, enforced as IAM does: an explicit Deny wins, then any Allow, otherwise the answer is no. Whatever
 * cannot be evaluated faithfully (operators, keys and forms not listed in `iam-conditions.ts`) refuses the request and
 * says so, so that a policy never works here and fails on AWS. Key policies and resource policies are not modelled.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { AwsError } from './aws-error.ts';
import { type ConditionBlock, conditionsHold, type RequestContext } from './iam-conditions.ts';
import { matchesArn, matchesWildcard, toList } from './iam-patterns.ts';

/** A statement of a policy, as CloudFormation JSON after its intrinsic functions were resolved. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: ConditionBlock;
}

/** Who calls: a role with its identity policy, or the local administrator, who may do everything. */
export interface Principal {
  readonly name: string;
  readonly arn: string;
  readonly statements: readonly PolicyStatement[] | 'administrator';
}

/** What a request wants: an action such as `dynamodb:UpdateItem` on an ARN (`*` where the action has no resource). */
export interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context?: RequestContext;
}

/** How often a statement (its Sid, or its index in the policy) allowed an action. */
export interface AllowedUse {
  readonly principal: string;
  readonly statement: string | number;
  readonly action: string;
  readonly count: number;
}

/** How often an action on a resource was refused, and why. */
export interface DeniedUse {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly reason: string;
  readonly count: number;
}

/** Decides and remembers. */
export interface Guard {
  /** Returns when the principal may; throws `AwsError` AccessDeniedException in AWS's wording when not. */
  authorize(principal: Principal, access: Access): void;
  /** Which statements allowed something so far, in order of first use. Administrators are not recorded. */
  allowed(): AllowedUse[];
  /** What was refused so far, in order of first refusal. */
  denied(): DeniedUse[];
}

type Verdict = { allowed: true; statements: (string | number)[] } | { allowed: false; reason: string };

/** A guard with an empty memory. */
export function createGuard(): Guard {
  const allowed = new Tally<Omit<AllowedUse, 'count'>>();
  const denied = new Tally<Omit<DeniedUse, 'count'>>();
  return {
    authorize(principal, { action, resource, context = {} }) {
      if (principal.statements === 'administrator') return;
      const verdict = decide(principal.statements, { action, resource, context });
      if (verdict.allowed) {
        for (const statement of verdict.statements) allowed.add({ principal: principal.name, statement, action });
        return;
      }
      denied.add({ principal: principal.name, action, resource, reason: verdict.reason });
      throw new AwsError(
        'AccessDeniedException',
        `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${verdict.reason}`,
      );
    },
    allowed: () => allowed.list(),
    denied: () => denied.list(),
  };
}

function decide(statements: readonly PolicyStatement[], access: Required<Access>): Verdict {
  const allowing: (string | number)[] = [];
  for (const [index, statement] of statements.entries()) {
    const name = statement.Sid || index;
    const applies = appliesTo(statement, access);
    if (typeof applies === 'string') {
      return { allowed: false, reason: `because the local platform cannot evaluate statement ${name}: ${applies}` };
    }
    if (!applies) continue;
    if (statement.Effect !== 'Allow') {
      return { allowed: false, reason: 'with an explicit deny in an identity-based policy' };
    }
    allowing.push(name);
  }
  if (allowing.length > 0) return { allowed: true, statements: allowing };
  return { allowed: false, reason: `because no identity-based policy allows the ${access.action} action` };
}

/** A string says why the question has no faithful answer here. */
function appliesTo(statement: PolicyStatement, access: Required<Access>): boolean | string {
  for (const form of ['NotAction', 'NotResource', 'NotPrincipal', 'Principal']) {
    if (form in statement) return `${form} is not supported`;
  }
  if (!toList(statement.Action).some((pattern) => matchesWildcard(pattern, access.action, { ignoreCase: true }))) {
    return false;
  }
  const resources = toList(statement.Resource);
  const unresolved = resources.find((pattern) => typeof pattern !== 'string' || pattern.includes('${'));
  if (unresolved !== undefined) return 'its Resource was not resolved to ARNs';
  if (!resources.some((pattern) => pattern === '*' || matchesArn(pattern, access.resource))) return false;
  return conditionsHold(statement.Condition ?? {}, access.context);
}

class Tally<T extends object> {
  readonly #entries = new Map<string, T & { count: number }>();

  add(entry: T): void {
    const key = JSON.stringify(entry);
    const known = this.#entries.get(key);
    this.#entries.set(key, { ...entry, count: (known?.count ?? 0) + 1 });
  }

  list(): (T & { count: number })[] {
    return [...this.#entries.values()];
  }
}
