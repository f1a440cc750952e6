/**
 * Errors of the engines in our words. What the engine refused by rule becomes a {@link ConstraintError}; what may work if
 * done again a {@link SerializationError}; what it cannot do now `store_unavailable`. Anything else is a defect of ours
 * and stays as it is.
 */
import { GatewayError } from '../errors.ts';

/** A unique or foreign key rule refused a write. Repositories turn the expected ones into outcomes. */
export class ConstraintError extends Error {
  readonly kind: 'unique' | 'foreign_key';
  /** The rule: the constraint's name on PostgreSQL, the columns on SQLite. */
  readonly rule: string;

  constructor(kind: 'unique' | 'foreign_key', rule: string, cause: unknown) {
    super(`${kind} violation: ${rule}`, { cause });
    this.name = 'ConstraintError';
    this.kind = kind;
    this.rule = rule;
  }
}

/** A deadlock or serialisation failure: nothing was written, running the transaction again is safe. */
export class SerializationError extends Error {
  constructor(cause: unknown) {
    super('the transaction collided with another', { cause });
    this.name = 'SerializationError';
  }
}

/** Seconds a client should wait. Random, so that those refused together do not return together. */
function retryAfter(): number {
  return Math.random() < 0.5 ? 1 : 2;
}

/** 503 with its private cause. */
export function storeUnavailable(cause: unknown): GatewayError {
  return new GatewayError('store_unavailable', 'The database cannot answer right now. Try again in a moment.', {
    cause,
    retryAfter: retryAfter(),
  });
}

/** `error` of either engine, mapped once; already mapped ones pass. */
export function mapStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof GatewayError) return error;
  const { code, errcode } = error as Error & { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') return mapSqlite(error, errcode);
  if (code === 'ERR_INVALID_STATE') return storeUnavailable(error);
  return typeof code === 'string' ? mapPostgres(error, code) : mapNameless(error);
}

/** True when `error` is a refused duplicate. */
export function isUniqueViolation(error: unknown): error is ConstraintError {
  return error instanceof ConstraintError && error.kind === 'unique';
}

/** True when `error` is a reference to a row that is not there. */
export function isForeignKeyViolation(error: unknown): error is ConstraintError {
  return error instanceof ConstraintError && error.kind === 'foreign_key';
}

/** True for a write lock held by another process: nothing was done yet. */
export function isSqliteBusy(error: unknown): boolean {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  return typeof errcode === 'number' && ((errcode & 0xff) === 5 || (errcode & 0xff) === 6);
}

const SQLITE_UNIQUE = new Set([2067, 1555, 2579]);
const SQLITE_FOREIGN_KEY = 787;
/** https://sqlite.org/rescode.html: NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB, BUSY, LOCKED. */
const SQLITE_UNAVAILABLE = new Set([5, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

function mapSqlite(error: Error, errcode: number): unknown {
  // The name of the rule is only in the message: `UNIQUE constraint failed: chats.user_id, chats.session_id`.
  const rule = error.message.split('failed: ')[1] ?? '';
  if (SQLITE_UNIQUE.has(errcode)) return new ConstraintError('unique', rule, error);
  if (errcode === SQLITE_FOREIGN_KEY) return new ConstraintError('foreign_key', rule, error);
  return SQLITE_UNAVAILABLE.has(errcode & 0xff) ? storeUnavailable(error) : error;
}

/**
 * SQLSTATE classes and codes (PostgreSQL 18, appendix A): 08 connection, 53 resources, 57 operator intervention,
 * 58 system error, 25006 read-only (a failover left us on a standby), 25P03 idle in transaction, 55P03 lock timeout.
 */
const POSTGRES_UNAVAILABLE = /^(08...|53...|57...|58...|25006|25P03|55P03|3D000|28...)$/;
const SOCKET_ERRORS = /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT|EACCES)$/;

function mapPostgres(error: Error, code: string): unknown {
  const rule = (error as { constraint?: string }).constraint ?? '';
  if (code === '23505') return new ConstraintError('unique', rule, error);
  if (code === '23503') return new ConstraintError('foreign_key', rule, error);
  if (code === '40001' || code === '40P01') return new SerializationError(error);
  return POSTGRES_UNAVAILABLE.test(code) || SOCKET_ERRORS.test(code) ? storeUnavailable(error) : error;
}

/** pg 8.23 raises these without a code. */
const POSTGRES_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout|Cannot use a pool after calling end|driver has already been destroyed/;

function mapNameless(error: Error): unknown {
  return POSTGRES_MESSAGES.test(error.message) ? storeUnavailable(error) : error;
}
