import assert from 'node:assert/strict';
import type { Runtimes } from '../../src/runtimes/runtime-port.ts';
import type { Ground } from './runtime-ground.ts';

/** What the chapters of the contract share. Getters: it exists only while the tests run. */
export interface Contract {
  readonly ground: Ground;
  readonly runtimes: Runtimes;
}

/** The smallest picture there is. */
export const PIXEL = {
  type: 'image' as const,
  mimeType: 'image/png',
  name: 'pixel.png',
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
};

/** The model request whose last message holds `mark`. */
export function seen(given: Contract, mark: string) {
  const found = given.ground.api.modelRequests.findLast((request) =>
    JSON.stringify(request.messages.at(-1)).includes(mark),
  );
  assert.ok(found, `no model request ends with ${mark}`);
  return found;
}
