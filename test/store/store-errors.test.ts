import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { ConstraintError, mapStoreError, SerializationError } from '../../src/store/store-errors.ts';

const coded = (message: string, rest: object) => Object.assign(new Error(message), rest);
const sqlite = (errcode: number) => coded('UNIQUE constraint failed: a.b', { code: 'ERR_SQLITE_ERROR', errcode });

describe('errors of the engines', () => {
  const unavailable = [
    ...[5, 261, 6, 13, 10, 778, 14, 26].map(sqlite),
    ...['08006', '53100', '53300', '55P03', '57014', '57P01', '57P03', '25006'].map((code) => coded('x', { code })),
    ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'].map((code) => coded('x', { code })),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Query read timeout'),
  ];
  for (const error of unavailable) {
    const { code, errcode } = error as { code?: string; errcode?: number };
    it(`${errcode ?? code ?? error.message} is a 503 that asks to come back within 2 s, its cause kept private`, () => {
      const mapped = mapStoreError(error);
      assert.ok(mapped instanceof GatewayError);
      assert.deepEqual([mapped.code, mapped.status, mapped.cause], ['store_unavailable', 503, error]);
      assert.ok(mapped.retryAfter === 1 || mapped.retryAfter === 2);
      assert.doesNotMatch(mapped.message, /ECONN|constraint|terminated/);
    });
  }

  it('a refused duplicate or reference names its rule', () => {
    for (const error of [sqlite(2067), sqlite(1555), coded('x', { code: '23505', constraint: 'a.b' })]) {
      const mapped = mapStoreError(error);
      assert.ok(mapped instanceof ConstraintError);
      assert.deepEqual([mapped.kind, mapped.rule], ['unique', 'a.b']);
    }
    for (const error of [sqlite(787), coded('x', { code: '23503', constraint: 'c' })]) {
      assert.equal((mapStoreError(error) as ConstraintError).kind, 'foreign_key');
    }
  });

  it('a collision of transactions may run again', () => {
    for (const code of ['40001', '40P01']) assert.ok(mapStoreError(coded('x', { code })) instanceof SerializationError);
  });

  it('a defect of ours stays what it is', () => {
    for (const error of [new TypeError('x'), coded('no such column', { code: '42703' }), sqlite(1), 'text', null]) {
      assert.equal(mapStoreError(error), error);
    }
  });
});
