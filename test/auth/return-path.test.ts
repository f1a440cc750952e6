import assert from 'node:assert/strict';
import { test } from 'node:test';
import { returnPath } from '../../src/auth/return-path.ts';

for (const path of [
  '/',
  '/chats/1?q=a%20b&r=//x#end',
  '/a%20b',
  '/search?to=https://elsewhere.example',
  '/authors',
  '/%C3%A9t%C3%A9',
])
  test(`returns to ${path}`, () => {
    assert.equal(returnPath(path), path);
  });

for (const path of [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https:evil.example',
  'https://evil.example',
  'http:/evil.example',
  'javascript:alert(1)',
  '/%09/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/\u0000',
  '/\u007f',
  '/%5cevil.example',
  '/%2fevil.example',
  '/%2f/evil.example',
  '/%252f%252fevil.example',
  '/%25252fevil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  '/%2e//evil.example',
  '/a%0d%0aset-cookie:x',
  'evil.example',
  '?x',
  '',
  '/auth',
  '/auth/github',
  '/auth/github?returnTo=/auth/github',
  '/AUTH/github',
  '/%61uth/github',
  '/x/../auth/github',
  '/%',
  '/%E0%A4%A',
  `/${'x'.repeat(3_000)}`,
  undefined,
  null,
  ['/a', '/b'],
  { toString: () => '/a' },
])
  test(`does not return to ${JSON.stringify(path)?.slice(0, 60)}`, () => {
    assert.equal(returnPath(path), '/');
  });
