/**
 * What repositories stand on: one way to read, one to write, one to be atomic, the same on both engines. The engines
 * differ in how they do it (`dialects/`), not in what they promise: what resolved has committed durably.
 */
import type { Compilable, Kysely } from 'kysely';
import type { Engine } from './migrations/migration.ts';
import type { Schema } from './schema.ts';

/** What may be bound to a statement. */
export type Parameter = string | number | null;

/** A query whose SQL was made once; called with the values of its {@link slot}s in order. */
export type PreparedQuery<Row> = (...values: Parameter[]) => Promise<Row[]>;

/** A connection to the engine. Errors it raises have been through `store-errors.ts`. */
export interface Database {
  readonly engine: Engine;
  /** For reading only. Sees every commit that was acknowledged before the call. */
  readonly read: Kysely<Schema>;
  /** Runs one writing statement that commits by itself. */
  write<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs `work` atomically; a throw rolls back. It may run again after a deadlock or serialisation failure, so it must not
   * touch anything but `trx`, and must not wait on anything but it: on SQLite all writers wait.
   */
  transaction<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** A hot read: SQL made once, one prepared statement. `name` is unique. */
  prepare<Row>(name: string, query: Compilable<Row>): PreparedQuery<Row>;
  /** Holds the one right named `name`, across instances, while `work` runs. Rejects with the signal's reason. */
  withLock<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const SLOT = Symbol('slot');

/** Stands for a value given later, in the query of a {@link Database.prepare}. */
export function slot<T extends Parameter>(): T {
  return SLOT as unknown as T;
}

/** Puts `values` in the places of the slots among a compiled query's `parameters`. */
export function fillSlots(parameters: readonly unknown[], values: readonly Parameter[]): Parameter[] {
  let next = 0;
  return parameters.map((parameter) => (parameter === SLOT ? (values[next++] ?? null) : (parameter as Parameter)));
}

/** What engines log: a subset of pino's logger. */
export interface StoreLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
