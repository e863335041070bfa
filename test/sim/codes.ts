import type { Tenant } from '../../lib/domain/flow.ts';
import type { Authorising } from './processes.ts';
import { PLAINTEXT } from './provider.ts';

/** The codes that users bring back from the provider. */
export class Codes {
  readonly #issued = new Map<string, Authorising>();

  issue(who: Authorising): string {
    const code = `${PLAINTEXT}-code-${this.#issued.size}-${who.subject}`;
    this.#issued.set(code, who);
    return code;
  }

  /** Who authorises what with it. */
  authorisationOf(code: string): readonly [subject: string, tenant: Tenant] {
    const who = this.#issued.get(code);
    if (who === undefined) throw new TypeError(`nobody was given ${code}`);
    return [who.subject, who.tenant];
  }
}
