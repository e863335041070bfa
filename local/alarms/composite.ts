import { AlarmError, type AlarmState } from './model.ts';
import { Tokens } from './tokens.ts';

/** The state of an alarm by its name; undefined when there is none of that name. */
export type StateOf = (name: string) => AlarmState | undefined;

/** A rule that was read: whether it holds, and which alarms it speaks of. */
export interface CompositeRule {
  readonly children: readonly string[];
  holds(stateOf: StateOf): boolean;
}

const STATES: Readonly<Record<string, AlarmState>> = {
  ALARM: 'ALARM',
  OK: 'OK',
  INSUFFICIENT_DATA: 'INSUFFICIENT_DATA',
};

/**
 * Reads the rule of a composite alarm: `ALARM(…)`, `OK(…)` and `INSUFFICIENT_DATA(…)` of a name or ARN, quoted or not, `TRUE`,
 * `FALSE`, `AND`, `OR`, `NOT` and parentheses; NOT binds closest, then AND. An alarm that does not exist is in no state.
 * Throws `AlarmError` for anything else, such as `AT_LEAST`.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
 */
export function parseRule(text: string): CompositeRule {
  const tokens = new Tokens(text, 'rule');
  const children = new Set<string>();
  const holds = anyOf(tokens, children);
  tokens.end();
  return { children: [...children], holds };
}

type Holds = CompositeRule['holds'];

function anyOf(tokens: Tokens, children: Set<string>): Holds {
  const parts = [allOf(tokens, children)];
  while (tokens.take('OR')) parts.push(allOf(tokens, children));
  return (stateOf) => parts.some((part) => part(stateOf));
}

function allOf(tokens: Tokens, children: Set<string>): Holds {
  const parts = [negation(tokens, children)];
  while (tokens.take('AND')) parts.push(negation(tokens, children));
  return (stateOf) => parts.every((part) => part(stateOf));
}

function negation(tokens: Tokens, children: Set<string>): Holds {
  if (!tokens.take('NOT')) return term(tokens, children);
  const negated = negation(tokens, children);
  return (stateOf) => !negated(stateOf);
}

function term(tokens: Tokens, children: Set<string>): Holds {
  if (tokens.take('(')) {
    const inner = anyOf(tokens, children);
    tokens.need(')');
    return inner;
  }
  if (tokens.take('TRUE')) return () => true;
  if (tokens.take('FALSE')) return () => false;
  const state = STATES[tokens.take(...Object.keys(STATES)) ?? ''];
  if (state === undefined) tokens.fail();
  tokens.need('(');
  const child = tokens.takeKind('text', 'word') ?? tokens.fail();
  tokens.need(')');
  const name = nameOf(child);
  children.add(name);
  return (stateOf) => stateOf(name) === state;
}

function nameOf(nameOrArn: string): string {
  if (!nameOrArn.startsWith('arn:')) return nameOrArn;
  const name = /:alarm:(.+)$/.exec(nameOrArn)?.[1];
  if (name === undefined) throw new AlarmError(`${nameOrArn} is not the ARN of an alarm`);
  return name;
}
