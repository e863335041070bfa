/**
 * Where dynalite 4.0.0 would answer wrongly and in silence, the request is refused instead: a copied map that the same
 * expression also changes (dynalite changes the copy too), and comparisons with a map or list (never equal there).
 */
import { AwsError } from './aws-error.ts';

/** An attribute name or list index per step. */
type Path = readonly (string | number)[];
/** A path, a typed literal such as `{S: 'x'}`, or an operation. */
type Operand =
  | Path
  | { readonly type?: string; readonly args?: readonly Operand[]; readonly M?: unknown; readonly L?: unknown };

/** What dynalite's validation leaves behind on a request: its parsed expressions. */
interface Parsed {
  readonly _condition?: { readonly expression: Operand };
  readonly _filter?: { readonly expression: Operand };
  readonly _updates?: { readonly sections: readonly { readonly path: Path; readonly val?: Operand }[] };
}

/** Throws `AwsError` UnsupportedOperationException for a request that dynalite would get wrong. */
export function refuseUnfaithful(validated: object): void {
  const { _condition, _filter, _updates } = validated as Parsed;
  for (const parsed of [_condition, _filter]) {
    if (parsed && comparesDocument(parsed.expression)) {
      throw unsupported('compare maps or lists; compare their members');
    }
  }
  const sections = _updates?.sections ?? [];
  for (const copied of sections.flatMap(({ val }) => (val ? pathsIn(val) : []))) {
    if (sections.some(({ path }) => isInside(path, copied))) {
      throw unsupported(`copy ${copied.join('.')} and change a part of it in one expression`);
    }
  }
}

function comparesDocument(operand: Operand): boolean {
  if (isPath(operand)) return false;
  return operand.M !== undefined || operand.L !== undefined || (operand.args ?? []).some(comparesDocument);
}

function pathsIn(operand: Operand): Path[] {
  return isPath(operand) ? [operand] : (operand.args ?? []).flatMap(pathsIn);
}

function isPath(operand: Operand): operand is Path {
  return Array.isArray(operand);
}

function isInside(path: Path, container: Path): boolean {
  return path.length > container.length && container.every((step, index) => step === path[index]);
}

function unsupported(what: string): AwsError {
  return new AwsError('UnsupportedOperationException', `The embedded DynamoDB cannot ${what}.`);
}
