import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DraftStorage, DraftStore } from '../../src/web/page/model/draft-store.ts';

/** A fake of the browser's storage. */
class FakeStorage implements DraftStorage {
  readonly entries = new Map<string, string>();
  full = false;

  get length(): number {
    return this.entries.size;
  }

  key(index: number): string | null {
    return [...this.entries.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.entries.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.full) throw new DOMException('full', 'QuotaExceededError');
    this.entries.set(key, value);
  }

  removeItem(key: string): void {
    this.entries.delete(key);
  }
}

test('what was typed is there again, per chat, with the key it was sent with', () => {
  const storage = new FakeStorage();
  new DraftStore(storage, '1001').set('a', { text: 'half a thought', key: 'k1' });
  const again = new DraftStore(storage, '1001');
  assert.deepEqual(again.get('a'), { text: 'half a thought', key: 'k1' });
  assert.deepEqual(again.get('b'), { text: '', key: null });
});

test('people who share a browser do not see what the other typed', () => {
  const storage = new FakeStorage();
  new DraftStore(storage, '1001').set('a', { text: 'mine', key: null });
  assert.equal(new DraftStore(storage, '100').get('1:a').text, '');
  assert.equal(new DraftStore(storage, '1002').get('a').text, '');
});

test('signing out takes all of one person with it, and nothing else', () => {
  const storage = new FakeStorage();
  const mine = new DraftStore(storage, '1001');
  mine.set('a', { text: 'x', key: null });
  mine.set('b', { text: 'y', key: null });
  new DraftStore(storage, '1002').set('a', { text: 'z', key: null });
  storage.setItem('pilothouse:theme', 'dark');
  mine.clearAll();
  assert.deepEqual([...storage.entries.keys()], ['pilothouse:draft:1002:a', 'pilothouse:theme']);
});

test('an emptied box leaves nothing behind; rubbish and a full storage do no harm', () => {
  const storage = new FakeStorage();
  const drafts = new DraftStore(storage, '1');
  drafts.set('a', { text: 'x', key: null });
  drafts.set('a', { text: '', key: null });
  assert.equal(storage.length, 0);
  storage.setItem('pilothouse:draft:1:a', '{"text":1');
  assert.deepEqual(drafts.get('a'), { text: '', key: null });
  storage.full = true;
  drafts.set('b', { text: 'x', key: null });
  assert.equal(drafts.get('b').text, '');
});
