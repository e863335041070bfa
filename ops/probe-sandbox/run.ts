import type { ProviderDescriptor, ProviderHosts } from '../../lib/providers/descriptor.ts';
import type { ClientCredentials } from '../../lib/service/ports.ts';
import { NoConsent, openConsentDesk } from './consent-desk.ts';
import { type Experiment, NotDone, type ProbeOptions } from './experiment.ts';
import { giveBack } from './give-back.ts';
import { Lab } from './lab.ts';
import { NotSandbox, type Plan } from './plan.ts';
import type { ProbeReport, Result } from './report.ts';
import type { Seen } from './seen.ts';
import { Interrupted, ProbeStop, Wire, type WireWorld } from './wire.ts';

export interface ProbeWorld extends WireWorld {
  readonly descriptor: ProviderDescriptor;
  readonly plan: Plan;
  readonly hosts: ProviderHosts;
  /** Development keys. */
  readonly client: ClientCredentials;
  /** Of the callback on this machine. */
  readonly port: number;
  /** How long each consent is waited for; default ten minutes. */
  readonly consentMs?: number;
  /** To whoever runs the probe. */
  tell(line: string): void;
  /** Before the first experiment that may end an authorisation. */
  mayEnd(): Promise<boolean>;
}

/** The longest run without waiting makes some 45. */
const MAX_REQUESTS = 70;

/**
 * Does the experiments of the plan, one after the other, and gives back what was obtained, whatever happens. Never rejects for
 * what a provider or a person does: the report says how far it came.
 */
export async function runProbe(world: ProbeWorld, options: ProbeOptions): Promise<ProbeReport> {
  const startedAt = world.now();
  const wire = new Wire(world, MAX_REQUESTS + options.waitHours);
  const desk = await openConsentDesk(world);
  const lab = new Lab({ ...partsOf(world), wire, desk });
  const results: Result[] = [];
  let stopped: unknown;
  try {
    await experimentAll(world, { lab, options, results });
  } catch (error) {
    stopped = error;
  }
  await desk.stop();
  wire.end();
  const returned = stopped instanceof NotSandbox ? 'kept' : await giveBack(lab, world.plan.revocation);
  // A fault of our own; what was obtained is given back all the same.
  if (stopped !== undefined && !(stopped instanceof ProbeStop)) throw stopped;
  return {
    provider: world.descriptor.displayName,
    startedAt,
    results,
    returned,
    hasLostTokens: lab.hasLostTokens,
    requests: wire.sent,
    isInterrupted: stopped instanceof Interrupted,
    ...(stopped === undefined ? {} : { stopped: stopped.message }),
  };
}

function partsOf({ descriptor, hosts, client, now, tell, plan }: ProbeWorld) {
  return { descriptor, hosts, client, now, tell, check: plan.check };
}

interface Run {
  readonly lab: Lab;
  readonly options: ProbeOptions;
  readonly results: Result[];
}

async function experimentAll(world: ProbeWorld, run: Run): Promise<void> {
  const { experiments } = world.plan;
  const mayEnd = once(world.mayEnd);
  for (const [index, experiment] of experiments.entries()) {
    world.tell(`${index + 1} of ${experiments.length}: ${experiment.question}`);
    const notDone = experiment.leftOut?.(run.options) ?? (await refusal(experiment, mayEnd));
    if (notDone !== undefined) {
      run.results.push({ experiment, steps: [], notDone });
      continue;
    }
    if (experiment.phase !== 'keys' && run.lab.authorisations.length === 0) await authoriseFirst(run.lab, world.plan);
    await experimentOne(experiment, run);
    if (experiment.phase === 'keys') refuseBadKeys(run.results);
  }
}

async function refusal({ phase }: Experiment, mayEnd: () => Promise<boolean>): Promise<string | undefined> {
  return phase !== 'ending' || (await mayEnd()) ? undefined : 'it was not agreed to';
}

/** Asks at the first need only. */
function once(ask: () => Promise<boolean>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** Nothing can be asked with keys that are refused. */
function refuseBadKeys(results: readonly Result[]): void {
  const [ours] = results.at(-1)?.steps ?? [];
  if (ours?.seen.error === 'invalid_client') {
    throw new ProbeStop('the keys are refused (invalid_client): are they the Development keys of this provider?');
  }
}

async function authoriseFirst(lab: Lab, { where }: Plan): Promise<void> {
  const [exchanged] = await lab.authorise({ ask: `Authorise ${where}.` });
  if (exchanged?.authorisation !== undefined) return;
  throw new ProbeStop(`the code could not be exchanged (${exchanged?.seen.status} ${exchanged?.seen.error ?? ''})`);
}

/** A result stands in the list even when it is cut off. */
async function experimentOne(experiment: Experiment, { lab, options, results }: Run): Promise<void> {
  const steps: { readonly step: string; readonly seen: Seen }[] = [];
  const observe = (step: string, seen: Seen): void => {
    const index = steps.findIndex((other) => other.step === step);
    steps.splice(index < 0 ? steps.length : index, 1, { step, seen });
  };
  try {
    await experiment.run(lab, observe, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    results.push({ experiment, steps, notDone: reason });
    if (error instanceof NotDone || error instanceof NoConsent) return;
    throw error;
  }
  const evidence = Object.fromEntries(steps.map(({ step, seen }) => [step, seen]));
  results.push({ experiment, steps, judged: experiment.judge(evidence, lab.descriptor, options) });
}
