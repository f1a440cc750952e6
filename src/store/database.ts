/**
 * What repositories stand on: one way to read, one to write, one to be atomic, the same on both engines. The engines
 * differ in how they do it (`dialects/`), not in what they promise: what resolved has committed durably.
 */
import { type Compilable, CompiledQuery, type Kysely, type QueryResult } from 'kysely';
import type { Engine } from './migrations/migration.ts';
import type { NoticeBoard, NoticeListener } from './notices.ts';
import type { Schema } from './schema.ts';

/** What may be bound to a statement. */
export type Parameter = string | number | null;

/** Values of a query's {@link slot}s, by name. */
export type Values = Readonly<Record<string, Parameter>>;

/** A hot read: its SQL was made once. */
export type PreparedQuery<Row> = (values: Values) => Promise<Row[]>;

/** A hot statement of a transaction: its SQL was made once, it runs on the `db` it is given. */
export type Statement<Row> = (db: Kysely<Schema>, values: Values) => Promise<QueryResult<Row>>;

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
  /**
   * Like {@link transaction}, but the disk is not waited for: what it wrote survives the process, and survives a power cut
   * as soon as a later ordinary transaction has committed. Both engines keep one log in order, so never the later without
   * the earlier.
   */
  trailing<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** Like {@link transaction}, for who has other things to do until {@link durable}: SQLite's is only committed. */
  early<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** See `Store.failed`. */
  readonly failed: AbortSignal;
  /** See `Store.durable`. */
  durable(): Promise<void>;
  /** A hot read outside transactions. `name` is unique in the database. */
  prepare<Row>(name: string, query: Compilable<Row>): PreparedQuery<Row>;
  /** A hot statement of transactions. `name` is unique in the database. */
  statement<Row>(name: string, query: Compilable<Row>): Statement<Row>;
  /** Holds the one right named `name`, across instances, while `work` runs. Rejects with the signal's reason. */
  withLock<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** See `Store.openNotices`. */
  openNotices(listener: NoticeListener): NoticeBoard | null;
  close(): Promise<void>;
}

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Stands for a value given by `name` later, in a query that is made once. */
export function slot<T extends Parameter>(name: string): T {
  return new Slot(name) as unknown as T;
}

/** A slot for each of `columns`, named as they are: the values of an insert. */
export function slots<const Column extends string>(columns: readonly Column[]): Record<Column, never> {
  return Object.fromEntries(columns.map((column) => [column, slot(column)])) as Record<Column, never>;
}

/**
 * Puts `values` in the places of the slots among a compiled query's `parameters`.
 * @throws Error when one is missing: a null by mistake would be a wrong answer.
 */
export function fillSlots(parameters: readonly unknown[], values: Values): Parameter[] {
  return parameters.map((parameter) => {
    if (!(parameter instanceof Slot)) return parameter as Parameter;
    const value = values[parameter.name];
    if (value === undefined) throw new Error(`no value for ${parameter.name}`);
    return value;
  });
}

/** The part of {@link Database.statement} that engines share. */
export function compileStatement<Row>(query: Compilable<Row>): { sql: string; run: Statement<Row> } {
  const { sql, parameters } = query.compile();
  const run: Statement<Row> = (db, values) =>
    db.executeQuery<Row>(CompiledQuery.raw(sql, fillSlots(parameters, values)));
  return { sql, run };
}

/** What engines log: a subset of pino's logger. */
export interface StoreLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
