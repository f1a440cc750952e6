import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Revocations } from '../../src/auth/revocations.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { principal } from '../../src/principal.ts';
import { openAuthApp } from '../support/auth-app.ts';

const session = (userId: string, sessionId: string) =>
  principal({ userId, login: 'x', proof: { kind: 'session', sessionId } });
const token = (userId: string, tokenId: string) =>
  principal({ userId, login: 'x', proof: { kind: 'token', tokenId, scopes: [] } });

test('a revocation reaches exactly those whose right ended', () => {
  const revocations = new Revocations();
  const open = new AbortController();
  const [a1, a2, at, b1] = [session('a', '1'), session('a', '2'), token('a', 't'), session('b', '1')].map((who) =>
    revocations.signalFor(who, open.signal),
  );
  const states = () => [a1, a2, at, b1].map((signal) => signal?.aborted);
  revocations.emit({ userId: 'a', sessionId: '1' });
  assert.deepEqual(states(), [true, false, false, false]);
  revocations.emit({ userId: 'a', tokenId: 't' });
  assert.deepEqual(states(), [true, false, true, false]);
  revocations.emit({ userId: 'a' });
  assert.deepEqual(states(), [true, true, true, false]);
  assert.equal(a1?.reason.code, 'unauthenticated');
});

test('nothing is kept of a stream that ended by itself', () => {
  const revocations = new Revocations();
  for (let round = 0; round < 100; round += 1) {
    const response = new EventEmitter();
    const until = new AbortController();
    const signals = [
      revocations.signalFor(session('a', '1'), response),
      revocations.signalFor(session('a', '1'), until.signal),
    ];
    response.emit('close');
    until.abort();
    assert.equal(response.listenerCount('close'), 0);
    revocations.emit({ userId: 'a' });
    assert.ok(signals.every((signal) => !signal.aborted));
  }
  assert.equal(revocations.size, 0);
  const response = new EventEmitter();
  revocations.signalFor(session('a', '1'), response);
  revocations.emit({ userId: 'a' });
  assert.deepEqual([revocations.size, response.listenerCount('close')], [0, 0]);
});

test('nobody is watched whose interest was over before', () => {
  const revocations = new Revocations();
  const left = Object.assign(new EventEmitter(), { destroyed: true });
  const signals = [left, AbortSignal.abort()].map((until) => revocations.signalFor(session('a', '1'), until));
  assert.equal(revocations.size, 0);
  assert.equal(left.listenerCount('close'), 0);
  assert.ok(signals.every((signal) => !signal.aborted));
});

test('a sign-out on one instance ends streams on another that shares the database', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-auth-'));
  const standIn = await startStandIn();
  try {
    // Only the sweep is asked for here, so a SQLite file stands in for the shared database.
    const wrapStore = (
      store: Parameters<NonNullable<NonNullable<Parameters<typeof openAuthApp>[0]>['wrapStore']>>[0],
    ) => ({ ...store, engine: 'postgres' as const });
    await using one = await openAuthApp({ dataDir, standIn });
    await using two = await openAuthApp({ dataDir, standIn, wrapStore, sweepMs: 10 });
    const browser = one.browser();
    await browser.signIn('mona');
    const until = new AbortController();
    const proofs = await one.store.webSessions.list('1001', one.now(), 1e9);
    const stream = two.auth.revocations.signalFor(session('1001', proofs[0]?.publicId ?? ''), until.signal);
    const stranger = two.auth.revocations.signalFor(token('1001', 'never-issued'), until.signal);
    const ended = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve));
    const streamEnds = ended(stream);
    await ended(stranger);
    assert.equal(stream.aborted, false);
    await browser.api('POST', '/auth/logout');
    await streamEnds;
    assert.equal(two.auth.revocations.size, 0);
  } finally {
    await standIn.close();
    await rm(dataDir, { recursive: true });
  }
});
