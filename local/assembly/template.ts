/** A CloudFormation template as far as the local platform reads it. Values are unresolved: intrinsics stand where CDK put them. */
export interface Template {
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
}

interface TemplateOutput {
  readonly Value: unknown;
  readonly Description?: string;
  readonly Export?: { readonly Name: unknown };
}

/** One stack of a cloud assembly. */
export interface Stack {
  readonly name: string;
  /** The folder asset paths of this stack are relative to. */
  readonly dir: string;
  readonly template: Template;
}

/** What `Ref` and `Fn::GetAtt` answer for a resource. */
export interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The cloud assembly asks for something the local platform cannot do; the message names stack and resource. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
}

/** Narrows parsed JSON to an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
