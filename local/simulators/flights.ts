import type { Family } from './token-vault.ts';

/** One request that carries a refresh token, from its arrival until the provider has finished answering. */
export interface Flight {
  readonly value: string;
  /** Requests for the same token family in the air when this one arrived, itself included. */
  readonly inFlight: number;
  /** The same value was already in the air. */
  readonly second: boolean;
  /** Somebody presented the same value meanwhile. */
  collided: boolean;
  /** Set once it was processed: what dies if a second request comes before the answer is out. */
  result?: Family;
}

/** Who is in the air. A client that hangs up is still in the air: the provider goes on working. */
export class Flights {
  readonly #flights = new Map<Flight, Family | undefined>();

  begin(value: string, family: Family | undefined): Flight {
    const others = [...this.#flights].filter(([other, of]) => other.value === value || (family && of === family));
    const rivals = others.map(([other]) => other).filter((other) => other.value === value);
    for (const rival of rivals) rival.collided = true;
    const flight: Flight = { value, inFlight: others.length + 1, second: rivals.length > 0, collided: false };
    this.#flights.set(flight, family);
    return flight;
  }

  end(flight: Flight): void {
    this.#flights.delete(flight);
  }

  /** The results of the others that carry the same value. */
  resultsOfRivals(flight: Flight): Family[] {
    return [...this.#flights.keys()]
      .filter((other) => other !== flight && other.value === flight.value)
      .flatMap((other) => (other.result ? [other.result] : []));
  }
}
