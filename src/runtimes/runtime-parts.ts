/**
 * What every part of this room is given. Values only: who owns what is said where it is made.
 */
import type { Config } from '../config.ts';
import type { SessionFileRepository } from '../session-files.ts';
import type { TraceContext } from '../tracing/tracing.ts';

/** The part of pino's logger that this room uses. */
export interface RuntimeLogger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** How long the room waits for what. Milliseconds, unless said. */
export interface RuntimeTimings {
  /** Start of a process or a connection, handshake included. */
  readonly start: number;
  /** How long a user waits for one of `MAX_RUNTIMES` to be given back before they are told that all are busy. */
  readonly room: number;
  /** Create, resume or removal of a session: the runtime asks GitHub about the user, and reads the history back from the store. */
  readonly open: number;
  /** Removal of a deleted chat's session from one server, connecting to it included. Less than who asks for it waits. */
  readonly remove: number;
  /** `session.send` until the runtime has the prompt. */
  readonly send: number;
  /** An abort until the session is idle; past it the session is dropped. */
  readonly abort: number;
  /** Closing a session. */
  readonly close: number;
  /** Models and quota, which the runtime fetches from GitHub. */
  readonly account: number;
  /** `getStatus`; a runtime that stays silent so long is hung. */
  readonly probe: number;
  /** Between two looks at all runtimes: health, idleness, recycling. One timer serves them all. */
  readonly tick: number;
  /** How long a user's models and quota are good for. */
  readonly accountTtl: number;
}

/** Defaults. A machine under load answers `getStatus` late: the deadline is generous, death by exit or close is seen at once. */
export const TIMINGS: RuntimeTimings = {
  start: 15_000,
  room: 2_500,
  open: 30_000,
  remove: 4_000,
  send: 15_000,
  abort: 1_000,
  close: 3_000,
  account: 15_000,
  probe: 4_000,
  tick: 3_000,
  accountTtl: 5 * 60_000,
};

/** What the parts of this room share. */
export interface RuntimeParts {
  readonly config: Config;
  readonly sessionFiles: SessionFileRepository;
  readonly logger: RuntimeLogger;
  readonly clock: () => number;
  readonly timings: RuntimeTimings;
  /** What the call that is being made is part of. Absent: nothing is traced. */
  readonly traceContext?: () => TraceContext;
  /** Aborted when the runtimes close: what is still being started is not waited for. */
  readonly closing: AbortSignal;
}
