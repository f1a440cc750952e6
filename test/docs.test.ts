/** The documents say what is true of the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ERROR_CODES } from '../src/errors.ts';

const api = readFileSync(join(import.meta.dirname, '..', 'docs', 'api.md'), 'utf8');

describe('docs/api.md', () => {
  it('lists every error code with its status, and no other', () => {
    const rows = api.split('\n').flatMap((line) => {
      const [, codes, status] = /^\| ((?:`\w+` ?)+)\s*\| (\d{3}) \|/.exec(line) ?? [];
      return [...(codes ?? '').matchAll(/`(\w+)`/g)].map((match): [string, number] => [match[1] ?? '', Number(status)]);
    });
    const known = Object.entries(ERROR_CODES).map(([code, { status }]): [string, number] => [code, status]);
    assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(known));
  });
});
