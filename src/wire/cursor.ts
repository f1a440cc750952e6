/**
 * Opaque cursors of keyset lists: base64url JSON of the last item's key. Nothing secret is in them, and nothing a caller
 * can put in them reaches further than his own list, which is always read through his user id.
 */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { GatewayError } from '../errors.ts';

/** The `nextCursor` of a page; null when it was the last. */
export function encodeCursor(key: unknown): string | null {
  return key === null || key === undefined ? null : Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws GatewayError `validation_failed` when it is not a cursor of this list. */
export function decodeCursor<Key extends TSchema>(key: Key, cursor: string): Static<Key> {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Value.Check(key, value)) return value;
  } catch {
    // Not JSON: the same answer as the wrong shape.
  }
  throw new GatewayError('validation_failed', 'The cursor is not one of this list: pass `nextCursor` as it was given.');
}
