import type { Instant } from '../../lib/domain/grant.ts';
import { MINUTE } from '../support/grants.ts';
import { intern } from './intern.ts';

/** The other side: one app at a provider, with just what matters to a refresh token. */

/**
 * What becomes of a refresh token that is used. `single`: it dies at once. `family`: likewise, and whoever uses it
 * again ends the whole authorisation. `grace`: it is accepted for 30 minutes more. `periodic`: the same one is
 * returned for a while, then a new one, and the old dies.
 */
export type Rotation = 'single' | 'family' | 'grace' | 'periodic';

export interface ProviderKind {
  readonly rotation: Rotation;
  /** An authorisation ends the earlier ones of the subject. */
  readonly isLatestOnly: boolean;
  /** Where a token in its grace is used again, it is not known which of the tokens it gave lives on. */
  readonly hasSiblings: boolean;
}

export const GRACE_MS = 30 * MINUTE;

export interface RemoteToken {
  readonly family: number;
  readonly spentAt?: Instant;
  /** Nobody has it, and nobody could help that: its answer was lost, or the process died that carried it. */
  readonly lost?: true;
}

interface Family {
  readonly isAlive: boolean;
  readonly newest: string;
}

export interface Remote {
  readonly tokens: Readonly<Record<string, RemoteToken>>;
  readonly families: readonly Family[];
  /** Tokens in requests that nobody waits for any more, and that may still arrive. */
  readonly ghosts: readonly string[];
  /** While it answers invalid_grant to everything. */
  readonly isOut: boolean;
  /** Family by the code (flow) that opened it. */
  readonly codes: Readonly<Record<string, number>>;
  /** Provider connection id by company, where companies are connected one by one. */
  readonly companies: Readonly<Record<string, string>>;
  readonly connected: number;
}

export type Answer =
  /** `name` of the refresh token in the answer; `isNew` unless it is the one that was sent. */
  { readonly kind: 'issued'; readonly name: string; readonly isNew: boolean } | { readonly kind: 'rejected' };

export interface Handled {
  readonly remote: Remote;
  readonly answer: Answer;
  /** Harm that the request did and that need not have been. */
  readonly harm?: string;
}

export const NOTHING_ISSUED: Remote = intern({
  tokens: {},
  families: [],
  ghosts: [],
  isOut: false,
  codes: {},
  companies: {},
  connected: 0,
});

/** All that may come of sending `name`. */
export function handleRefresh(remote: Remote, name: string, now: Instant, kind: ProviderKind): readonly Handled[] {
  const rejected: Handled = { remote, answer: { kind: 'rejected' } };
  const token = remote.tokens[name];
  const family = token && remote.families[token.family];
  if (remote.isOut || token === undefined || family?.isAlive !== true) return [rejected];
  if (family.newest === name) {
    const rotated = rotate(remote, name, token, now, true);
    return kind.rotation === 'periodic'
      ? [rotated, { remote, answer: { kind: 'issued', name, isNew: false } }]
      : [rotated];
  }
  if (isAccepted(remote, name, now, kind)) {
    const again = rotate(remote, name, token, now, true);
    return kind.hasSiblings ? [again, rotate(remote, name, token, now, false)] : [again];
  }
  if (kind.rotation !== 'family' || token.spentAt === undefined) return [rejected];
  const harm =
    remote.tokens[family.newest]?.lost === true
      ? {}
      : { harm: `I2: ${name} was used again and ended ${family.newest}` };
  return [{ remote: ended(remote, token.family), answer: { kind: 'rejected' }, ...harm }];
}

/** Whether the provider would accept it at `now`. */
export function isAccepted(remote: Remote, name: string, now: Instant, kind: ProviderKind): boolean {
  const token = remote.tokens[name];
  const family = token && remote.families[token.family];
  if (token === undefined || family?.isAlive !== true) return false;
  if (family.newest === name) return true;
  return kind.rotation === 'grace' && token.spentAt !== undefined && now - token.spentAt <= GRACE_MS;
}

/** Names of the tokens it would accept. */
export function acceptedOf(remote: Remote, now: Instant, kind: ProviderKind): string[] {
  return Object.keys(remote.tokens).filter((name) => isAccepted(remote, name, now, kind));
}

/** The exchange of a code for the company named. A code that is sent again ends what it opened (RFC 6749 §4.1.2). */
export function handleExchange(
  remote: Remote,
  flow: string,
  kind: ProviderKind,
  company?: string,
): Handled & { readonly connectionId?: string } {
  const opened = remote.codes[flow];
  if (opened !== undefined) {
    return {
      remote: ended(remote, opened),
      answer: { kind: 'rejected' },
      harm: `I2: the code of ${flow} was sent twice`,
    };
  }
  const number = remote.families.length;
  const name = nextName(remote);
  const before = kind.isLatestOnly ? remote.families.map((family) => ({ ...family, isAlive: false })) : remote.families;
  const old = company === undefined ? undefined : remote.companies[company];
  const connectionId = company === undefined ? undefined : (old ?? `c${remote.connected + 1}`);
  const after: Remote = {
    ...remote,
    tokens: { ...remote.tokens, [name]: { family: number } },
    families: [...before, { isAlive: true, newest: name }],
    codes: { ...remote.codes, [flow]: number },
    ...(company === undefined || connectionId === undefined || old !== undefined
      ? {}
      : { companies: { ...remote.companies, [company]: connectionId }, connected: remote.connected + 1 }),
  };
  return {
    remote: intern(after),
    answer: { kind: 'issued', name, isNew: true },
    ...(connectionId === undefined ? {} : { connectionId }),
  };
}

/** Ends every authorisation of the subject. */
export function revoked(remote: Remote): Remote {
  return intern({ ...remote, families: remote.families.map((family) => ({ ...family, isAlive: false })) });
}

/** The company of that connection is off the authorisation. */
export function detached(remote: Remote, connectionId: string): Remote {
  const companies = Object.fromEntries(Object.entries(remote.companies).filter(([, id]) => id !== connectionId));
  return intern({ ...remote, companies });
}

/** Nobody has that token any more, and nobody could help it. */
export function lose(remote: Remote, name: string): Remote {
  const token = remote.tokens[name];
  if (token === undefined || token.lost) return remote;
  return intern({ ...remote, tokens: { ...remote.tokens, [name]: { ...token, lost: true } } });
}

function rotate(remote: Remote, name: string, token: RemoteToken, now: Instant, isNewest: boolean): Handled {
  const issued = nextName(remote);
  const families = remote.families.map((family, number) =>
    number === token.family && isNewest ? { ...family, newest: issued } : family,
  );
  const spent = { ...token, spentAt: token.spentAt ?? now };
  const tokens = { ...remote.tokens, [name]: spent, [issued]: { family: token.family } };
  return { remote: intern({ ...remote, tokens, families }), answer: { kind: 'issued', name: issued, isNew: true } };
}

function ended(remote: Remote, number: number): Remote {
  const families = remote.families.map((family, each) => (each === number ? { ...family, isAlive: false } : family));
  return intern({ ...remote, families });
}

function nextName(remote: Remote): string {
  return `t${Object.keys(remote.tokens).length + 1}`;
}
