import { REGION } from '../assembly/intrinsics.ts';

/**
 * Rules of event buses: which events they let through, and to whom. Only what a pattern says of `source` and `detail-type` as
 * lists of texts is understood, which is all that our stacks write.
 */

/** A rule with a pattern, on a bus. */
export interface BusRule {
  readonly name: string;
  readonly bus: string;
  readonly enabled: boolean;
  /** Absent: any. */
  readonly sources?: readonly string[];
  readonly detailTypes?: readonly string[];
  readonly targetArns: readonly string[];
}

/** What a target is given: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
export interface Envelope {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An event that a rule has let through to one of its targets. */
export interface Delivery {
  readonly rule: string;
  readonly targetArn: string;
  readonly event: Envelope;
}

/** An accepted event, as far as rules look at it and targets get to see it. */
interface Accepted {
  readonly id: string;
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly resources: readonly string[];
  readonly at: number;
}

/** The rules of all buses. */
export interface Rules {
  add(rule: BusRule): void;
  /** Sends the event to the targets of the rules that let it through, in the order of rules and targets. */
  deliver(event: Accepted): void;
  /** What was sent of late, oldest first. */
  deliveries(): readonly Delivery[];
  /** Called with each delivery; must not throw. */
  onDelivery(listener: (delivery: Delivery) => void): void;
}

/** No rules yet; the last `keep` deliveries are remembered. */
export function createRules({ account, keep }: { readonly account: string; readonly keep: number }): Rules {
  const rules: BusRule[] = [];
  const delivered: Delivery[] = [];
  const listeners: ((delivery: Delivery) => void)[] = [];
  return {
    add: (rule) => void rules.push(rule),
    deliver(event) {
      for (const { name, targetArns } of rules.filter((rule) => matches(rule, event))) {
        for (const targetArn of targetArns) {
          const delivery = { rule: name, targetArn, event: envelopeOf(event, account) };
          delivered.push(delivery);
          for (const listener of listeners) listener(delivery);
        }
      }
      if (delivered.length > keep) delivered.splice(0, delivered.length - keep);
    },
    deliveries: () => [...delivered],
    onDelivery: (listener) => void listeners.push(listener),
  };
}

function matches({ enabled, bus, sources, detailTypes }: BusRule, event: Accepted): boolean {
  const isAmong = (allowed: readonly string[] | undefined, value: string) => allowed?.includes(value) ?? true;
  return enabled && bus === event.bus && isAmong(sources, event.source) && isAmong(detailTypes, event.detailType);
}

function envelopeOf(event: Accepted, account: string): Envelope {
  const { id, source, detailType, at, resources, detail } = event;
  const time = `${new Date(at).toISOString().slice(0, 19)}Z`;
  return { version: '0', id, 'detail-type': detailType, source, account, time, region: REGION, resources, detail };
}
