/**
 * What one person may have going at once and use up in a day: turns and completions on one account. A turn counts where it
 * stands, in the store, so that its reservation ends with it, in the transaction that writes its usage; completions, and
 * turns being taken right now, are known to this process alone.
 */
import type { GatewayError } from '../errors.ts';
import type { AcceptOutcome, NewTurn, Store, TurnRepository } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import { type Budget, budgetRefusal, dayAt } from './budget.ts';
import { refusalError } from './turn-refusals.ts';

/** What the account leans on. */
export interface AllowanceDependencies {
  readonly store: Pick<Store, 'turns' | 'usage'>;
  /** Turns and completions of one person at once. */
  readonly turnsPerUser: number;
  readonly budget: Budget;
  readonly clock: () => number;
}

/** Asks for a turn in a way that only a retry of an earlier request can be answered. */
const ONLY_RETRIES = {
  delivery: 'queue',
  limits: { turnsPerUser: 0, queuePerChat: Number.POSITIVE_INFINITY },
} as const;

/** The account of everyone, as far as this process knows. */
export class Allowance {
  readonly #deps: AllowanceDependencies;
  /** By user, ids of turns being taken and of completions that run. */
  readonly #taking = new Going();
  readonly #completions = new Going();

  constructor(deps: AllowanceDependencies) {
    this.#deps = deps;
  }

  /** `turns`, accepting only what its user may still have. (A repository of own functions, as the metered store's are.) */
  over(turns: TurnRepository): TurnRepository {
    return { ...turns, accept: (turn) => this.#accept(turns, turn) };
  }

  /**
   * A completion begins. @returns what is to be called when its usage is written
   * @throws GatewayError `too_many_turns`, `quota_exceeded`
   */
  async enter(userId: string): Promise<() => void> {
    const id = newId();
    const leave = this.#completions.add(userId, id);
    try {
      const going = await this.#going(userId, id);
      if (going > this.#deps.turnsPerUser - 1) throw refusalError({ kind: 'too_many_turns' });
      const spent = await this.#spent(userId, going);
      if (spent !== null) throw spent;
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #accept(turns: TurnRepository, turn: NewTurn): Promise<AcceptOutcome> {
    const { userId, turnId, limits } = turn;
    const leave = this.#taking.add(userId, turnId);
    try {
      const spent = this.#isBounded ? await this.#spent(userId, await this.#going(userId, turnId)) : null;
      if (spent === null) {
        const turnsPerUser = limits.turnsPerUser - this.#completions.of(userId).length;
        return await turns.accept({ ...turn, limits: { ...limits, turnsPerUser } });
      }
      // Whoever retries what was accepted before hears the same again, whatever was used up since.
      const outcome = await turns.accept({ ...turn, ...ONLY_RETRIES });
      if (outcome.kind === 'too_many_turns') throw spent;
      return outcome;
    } finally {
      leave();
    }
  }

  get #isBounded(): boolean {
    const { tokensPerDay, requestsPerDay } = this.#deps.budget;
    return tokensPerDay > 0 || requestsPerDay > 0;
  }

  /** How many others than `id` are going. Whoever comes later counts `id`, which stands in a list already. */
  async #going(userId: string, id: string): Promise<number> {
    const here = [...this.#taking.of(userId), ...this.#completions.of(userId)];
    const stored = await this.#deps.store.turns.activeOfUser(userId);
    const all = new Set([...here, ...stored.map((turn) => turn.id)]);
    all.delete(id);
    return all.size;
  }

  /** Null: something is left. Read after what is going: what ends in between counts twice rather than never. */
  async #spent(userId: string, going: number): Promise<GatewayError | null> {
    if (!this.#isBounded) return null;
    const now = this.#deps.clock();
    const used = await this.#deps.store.usage.sum(userId, dayAt(now));
    return budgetRefusal(this.#deps.budget, used, going, now);
  }
}

/** Ids by user. */
class Going {
  readonly #ids = new Map<string, Set<string>>();

  of(userId: string): string[] {
    return [...(this.#ids.get(userId) ?? [])];
  }

  /** @returns what removes it again; more than once is once */
  add(userId: string, id: string): () => void {
    const ids = this.#ids.get(userId) ?? new Set();
    this.#ids.set(userId, ids.add(id));
    return () => {
      ids.delete(id);
      if (ids.size === 0 && this.#ids.get(userId) === ids) this.#ids.delete(userId);
    };
  }
}
