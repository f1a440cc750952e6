/** Identifiers. One place decides their kind. */
import { randomUUIDv7 } from 'node:crypto';

/** A new UUIDv7: sorts by creation to the millisecond, and cannot be guessed. */
export function newId(): string {
  return randomUUIDv7();
}
