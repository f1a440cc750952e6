import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chatOfSession, parentsOf, sessionPath } from '../../src/store/session-path.ts';

describe('paths of session files', () => {
  it('have one form and never leave the root', () => {
    const forms = {
      '/a/b': '/a/b',
      '//a//b/': '/a/b',
      '/a/./../b': '/b',
      '/../../x': '/x',
      '/': '/',
      '//': '/',
      '/.': '/',
    };
    for (const [path, form] of Object.entries(forms)) assert.equal(sessionPath(path), form);
    for (const path of ['', 'a', './a', '/a\0b']) assert.throws(() => sessionPath(path), { code: 'EINVAL' });
  });

  it('name the directories above, nearest first', () => {
    assert.deepEqual(parentsOf('/a/b/c'), ['/a/b', '/a']);
    assert.deepEqual(parentsOf('/a'), []);
  });

  it('belong to the chat their session names', () => {
    assert.equal(chatOfSession('user-42-0192-aa-bb'), '0192-aa-bb');
    assert.equal(chatOfSession('something else'), 'something else');
  });
});
