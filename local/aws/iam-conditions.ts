import { matchesArn, matchesWildcard, toList } from './iam-patterns.ts';

/** The `Condition` of a statement: operator → key → value or values. */
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the service knows about a request: condition key → value; a list for keys that are multivalued on AWS. */
export type RequestContext = Readonly<Record<string, string | readonly string[] | boolean>>;

/**
 * The keys that the embedded services fill in wherever AWS does, so that absence means absence. `kms:ViaService` is
 * here because calls that reach the embedded KMS are always direct.
 */
const KNOWN_KEYS: readonly string[] = [
  'cloudwatch:namespace',
  'dynamodb:Attributes',
  'dynamodb:EnclosingOperation',
  'dynamodb:FullTableScan',
  'dynamodb:LeadingKeys',
  'dynamodb:ReturnConsumedCapacity',
  'dynamodb:ReturnValues',
  'dynamodb:Select',
  'events:detail-type',
  'events:source',
  'kms:EncryptionContextKeys',
  'kms:RequestAlias',
  'kms:ViaService',
  'lambda:FunctionArn',
  'secretsmanager:Name',
  'secretsmanager:SecretId',
  'secretsmanager:VersionStage',
].map((key) => key.toLowerCase());
/** Followed by the name of any key of the encryption context. */
const KNOWN_PREFIX = 'kms:encryptioncontext:';

type Match = (wanted: string, given: string) => boolean;

const isEqual: Match = (wanted, given) => wanted === given;
const isLike: Match = (wanted, given) => matchesWildcard(wanted, given);
/** ArnEquals and ArnLike are the same test in IAM. */
const isArn: Match = (wanted, given) => wanted === '*' || matchesArn(wanted, given);
const isBool: Match = (wanted, given) => wanted.toLowerCase() === given.toLowerCase();

const OPERATORS: ReadonlyMap<string, { matches: Match; negated?: true }> = new Map([
  ['StringEquals', { matches: isEqual }],
  ['StringNotEquals', { matches: isEqual, negated: true }],
  ['StringLike', { matches: isLike }],
  ['StringNotLike', { matches: isLike, negated: true }],
  ['ArnEquals', { matches: isArn }],
  ['ArnLike', { matches: isArn }],
  ['ArnNotEquals', { matches: isArn, negated: true }],
  ['ArnNotLike', { matches: isArn, negated: true }],
  ['Bool', { matches: isBool }],
]);

/**
 * Whether every condition holds for the request. A string instead says why it cannot be told: an operator or key this
 * platform does not know, a policy variable, or a list met by an operator made for one value.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function conditionsHold(block: ConditionBlock, context: RequestContext): boolean | string {
  const given = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
  let holds = true;
  for (const [operator, tests] of Object.entries(block)) {
    for (const [key, wanted] of Object.entries(tests)) {
      const result = testHolds(operator, { key, wanted: toList(wanted), given: given.get(key.toLowerCase()) });
      if (typeof result === 'string') return result;
      holds &&= result;
    }
  }
  return holds;
}

interface ConditionTest {
  readonly key: string;
  readonly wanted: readonly unknown[];
  readonly given: string | readonly string[] | boolean | undefined;
}

function testHolds(operator: string, { key, wanted, given }: ConditionTest): boolean | string {
  const lowerKey = key.toLowerCase();
  if (!KNOWN_KEYS.includes(lowerKey) && !lowerKey.startsWith(KNOWN_PREFIX)) return `condition key ${key} is unknown`;
  const values = wanted.map(String);
  if (values.some((value) => value.includes('${'))) return `policy variables are not supported (${key})`;
  if (operator === 'Null') return values.some((value) => (value === 'true') === (given === undefined));
  const [, quantifier, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const known = OPERATORS.get(name);
  if (!known) return `condition operator ${operator} is unknown`;
  if (given === undefined) {
    return Boolean(ifExists) || quantifier === 'ForAllValues' || (!quantifier && known.negated === true);
  }
  const fits = (value: string) => values.some((item) => known.matches(item, value)) !== (known.negated === true);
  if (quantifier) {
    const list = toList(given).map(String);
    return quantifier === 'ForAllValues' ? list.every(fits) : list.some(fits);
  }
  if (typeof given === 'object') return `${key} has many values and needs ForAllValues or ForAnyValue`;
  return fits(String(given));
}
