/** The port of operators' rooms (`jobs/`, `ops/`, `admin/`) to the store, beside the ports of the product's own things. */
import type { UserRecord } from './records.ts';

/** How a job stands, for all instances together. Times are ms since the epoch. */
export interface JobRunRecord {
  name: string;
  /** Instance that runs it or ran it last. */
  owner: string | null;
  /** Until then nobody else runs it; 0: nobody runs it. */
  lockedUntil: number;
  dueAt: number;
  startedAt: number | null;
  endedAt: number | null;
  outcome: 'ok' | 'failed' | null;
  /** JSON of what the run came to, or the sentence of its failure. */
  detail: string | null;
  /** Failed runs since the last good one. */
  failures: number;
}

export interface JobRunRepository {
  /**
   * Takes the one right to run the job until `lockedUntil`, across instances. False: another instance has it, or it is not
   * due (`force` skips the second).
   */
  claim(run: { name: string; owner: string; now: number; lockedUntil: number; force: boolean }): Promise<boolean>;
  /** Gives the right back. Does nothing when it has passed to another instance meanwhile. */
  end(run: {
    name: string;
    owner: string;
    now: number;
    dueAt: number;
    outcome: 'ok' | 'failed';
    detail: string | null;
  }): Promise<void>;
  list(): Promise<JobRunRecord[]>;
}

/** One thing that was done to an account or to the gateway. */
export interface AuditRecord {
  /** UUIDv7. */
  id: string;
  at: number;
  /** e.g. `sign_in`, `user.block` */
  action: string;
  /** User id of who did it, or `admin:<name>`; null: nobody signed in, or the gateway itself. */
  actor: string | null;
  /** User id of whom it was done to; null: nobody in particular. */
  subject: string | null;
  detail: string | null;
}

export interface AuditRepository {
  add(event: AuditRecord): Promise<void>;
  /** Newest first; `before` is an id. */
  list(options: { subject?: string; before?: string; limit: number }): Promise<AuditRecord[]>;
  /** Forgets what was recorded of an erased person. */
  eraseSubject(subject: string): Promise<void>;
  deleteOld(before: number, limit: number): Promise<number>;
}

/** A person as operators see one. */
export interface PersonRecord extends UserRecord {
  /** Last use of any of their browser sessions that still stands; null: none does. */
  lastSeenAt: number | null;
}

export interface PeopleRepository {
  /** By id; `login` is a prefix, in any case. */
  list(options: { login?: string; after?: string; limit: number }): Promise<PersonRecord[]>;
}
