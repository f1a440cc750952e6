/** The span of time a question about usage is about. Pure. */
import { GatewayError } from '../errors.ts';

/** Milliseconds since the epoch: from the first (inclusive) to the second (exclusive). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const LONGEST_DAYS = 366;

/**
 * Without `to` it ends now, without `from` it begins 30 days before its end.
 * @throws GatewayError `validation_failed` for what is no time, ends before it begins, or is longer than a year
 */
export function readSpan(from: string | undefined, to: string | undefined, now: number): Span {
  // What happened in this very millisecond is part of it.
  const end = to === undefined ? now + 1 : readTime('to', to);
  const start = from === undefined ? end - DEFAULT_DAYS * DAY_MS : readTime('from', from);
  if (start >= end) throw wrong('from', '`from` must be before `to`');
  if (end - start > LONGEST_DAYS * DAY_MS) throw wrong('from', `The span may be at most ${LONGEST_DAYS} days long`);
  return { from: start, to: end };
}

/** The day of a time, by UTC: `2026-01-31`. */
export function dayOf(daysSinceEpoch: number): string {
  return new Date(daysSinceEpoch * DAY_MS).toISOString().slice(0, 10);
}

/** A day (its beginning, UTC) or a moment with its offset. A moment without one would mean another time elsewhere. */
function readTime(field: string, text: string): number {
  const known = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = known ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 31st of February for the 3rd of March.
  const rolled = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  const real = !Number.isNaN(rolled.getTime()) && rolled.toISOString().startsWith(text.slice(0, 10));
  if (Number.isNaN(time) || !real) throw wrong(field, `\`${field}\` must be a day or a time of ISO 8601`);
  return time;
}

function wrong(field: string, message: string): GatewayError {
  return new GatewayError('validation_failed', `The request is not valid: ${message}.`, {
    extensions: { errors: [{ field: `querystring/${field}`, message }] },
  });
}
