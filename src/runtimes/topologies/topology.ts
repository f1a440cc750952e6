import type { RuntimeHost } from '../runtime-host.ts';
import type { RuntimeParts } from '../runtime-parts.ts';

/** How runtimes are arranged. A topology is a file here and a row in `open-runtimes.ts`. */
export interface Topology {
  readonly name: 'isolated' | 'shared' | 'external';
  /** Where sessions' state is kept: in our store, or on the runtime's own volume. */
  readonly state: 'store' | 'runtime';
  /** The places there are, each for one runtime; null: one for every user, as they come. */
  readonly slots: readonly string[] | null;
  /** Most sessions of one runtime that stay warm: each holds some 2.3 MB in it. */
  readonly warmSessions: number;
  /** Its places are filled without a user coming for them: whether they can be had is known from the start. */
  readonly filledAhead: boolean;
  /** Ours to recycle when it grows old or large. */
  readonly recycles: boolean;
  /**
   * A connected runtime for that place.
   * @throws GatewayError `runtime_unavailable`
   */
  start(slot: string): Promise<RuntimeHost>;
  /** Signs life and clears up after itself; called with every tick. */
  tick(): Promise<void>;
  /** Called when every runtime has ended. */
  close(): Promise<void>;
}

/** Opens a topology. */
export type OpenTopology = (parts: RuntimeParts) => Promise<Topology>;
