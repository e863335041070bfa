import { randomBytes } from 'node:crypto';
import { ACCOUNT } from './assembly/intrinsics.ts';
import type { FunctionResource } from './assembly/model.ts';
import type { Principal } from './aws/iam.ts';
import type { FunctionCredentials } from './lambda/runtime.ts';

/** Who may call the embedded AWS, and by which credentials. */
export interface Principals {
  /** Of the local administrator, who may do everything. */
  readonly administrator: FunctionCredentials;
  /** What a function signs with. Throws `RangeError` for one that is not of the assembly. */
  credentialsOf(resource: FunctionResource): FunctionCredentials;
  principalOf(accessKeyId: string): Principal | undefined;
  /** A function, as its role. */
  roleOf(resource: FunctionResource): Principal;
}

/** The administrator and the roles of the functions, each with an access key of its own. */
export function createPrincipals(functions: readonly FunctionResource[]): Principals {
  const administrator = createCredentials();
  const principals = new Map<string, Principal>([
    [
      administrator.accessKeyId,
      { name: 'administrator', arn: `arn:aws:iam::${ACCOUNT}:user/administrator`, statements: 'administrator' },
    ],
  ]);
  const credentials = new Map<string, FunctionCredentials>();
  const roleOf = ({ name, roleArn, statements }: FunctionResource): Principal => {
    const role = roleArn.slice(roleArn.lastIndexOf('/') + 1);
    return { name, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`, statements };
  };
  for (const resource of functions) {
    const own = createCredentials();
    credentials.set(resource.arn, own);
    principals.set(own.accessKeyId, roleOf(resource));
  }
  return {
    administrator,
    credentialsOf(resource) {
      const own = credentials.get(resource.arn);
      if (own === undefined) throw new RangeError(`no credentials exist for ${resource.name}`);
      return own;
    },
    principalOf: (accessKeyId) => principals.get(accessKeyId),
    roleOf,
  };
}

/** Of the form of AWS's own; signatures are not verified, the id alone tells who calls. */
function createCredentials(): FunctionCredentials {
  return {
    accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
}
