/** What was checked a moment ago is good for a moment, and for no longer than the right it stands for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentChecks } from '../../src/auth/recent-checks.ts';
import { type Principal, principal } from '../../src/principal.ts';

const MONA: Principal = principal({ userId: '1', login: 'mona', proof: { kind: 'session', sessionId: 's' } });

describe('A check', () => {
  it('is good for a second, and for nobody who brings anything else', () => {
    const recent = new RecentChecks();
    recent.begin('cookie', 10_000)(MONA);
    assert.equal(recent.find('cookie', 10_999), MONA);
    assert.equal(recent.find('cookie2', 10_000), null);
    assert.equal(recent.find('cookie', 11_000), null);
  });

  it('is not made longer by a clock that was set back', () => {
    const recent = new RecentChecks();
    recent.begin('cookie', 10_000)(MONA);
    assert.equal(recent.find('cookie', 9_999), null);
  });

  it('is forgotten when somebody loses a right', () => {
    const recent = new RecentChecks();
    recent.begin('cookie', 10_000)(MONA);
    recent.forget();
    assert.equal(recent.find('cookie', 10_000), null);
  });

  it('that was under way when a right ended is not kept', () => {
    const recent = new RecentChecks();
    const keep = recent.begin('cookie', 10_000);
    recent.forget();
    keep(MONA);
    assert.equal(recent.find('cookie', 10_000), null);
  });

  it('makes room for newer ones', () => {
    const recent = new RecentChecks();
    for (let n = 0; n <= 10_000; n += 1) recent.begin(`cookie ${n}`, 10_000)(MONA);
    assert.equal(recent.find('cookie 0', 10_000), null);
    assert.equal(recent.find('cookie 10000', 10_000), MONA);
  });
});
