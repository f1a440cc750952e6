import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { registerPage } from '../../src/web/page-plugin.ts';

const SCRIPT = 'console.log("page")';
let directory: string;
let app: FastifyInstance;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pilothouse-public-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>Page</title>');
  await writeFile(join(directory, 'assets', 'index-abc.js'), SCRIPT);
  await writeFile(join(directory, 'assets', 'index-abc.js.br'), brotliCompressSync(SCRIPT));
  await writeFile(join(directory, 'secret.txt'), 'not for anyone');
  app = await pageApp(directory);
});

after(async () => {
  await app.close();
  await rm(directory, { recursive: true, force: true });
});

async function pageApp(from: string): Promise<FastifyInstance> {
  const made = Fastify();
  const hasSession = ({ headers }: FastifyRequest) => headers.cookie !== undefined;
  await registerPage(made, { imageSources: ['https://avatars.example'], hasSession, directory: from });
  return made;
}

const signedIn = { headers: { cookie: 'sid=x' } };

test('the page is answered at its addresses, and is asked for anew each time', async () => {
  for (const url of ['/', '/c/01a2']) {
    const answer = await app.inject({ url, ...signedIn });
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['content-type']), /^text\/html/);
    assert.equal(answer.headers['cache-control'], 'no-cache');
    assert.match(
      String(answer.headers['content-security-policy']),
      /img-src 'self' data: blob: https:\/\/avatars\.example;/,
    );
  }
});

test('the address of a chat leads a stranger to sign-in and back', async () => {
  const answer = await app.inject('/c/01a2');
  assert.equal(answer.statusCode, 302);
  assert.equal(answer.headers.location, '/auth/github?returnTo=%2Fc%2F01a2');
});

test('assets are kept for ever and come compressed', async () => {
  const answer = await app.inject({ url: '/assets/index-abc.js', headers: { 'accept-encoding': 'br' } });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-encoding'], 'br');
  assert.match(String(answer.headers['cache-control']), /max-age=31536000, immutable/);
  assert.match(String(answer.headers['content-type']), /javascript/);
  const plain = await app.inject('/assets/index-abc.js');
  assert.equal(plain.body, SCRIPT);
});

for (const url of [
  '/c',
  '/c/a/b',
  '/settings',
  '/assets/',
  '/assets/none.js',
  '/assets/../secret.txt',
  '/assets/..%2fsecret.txt',
  '/assets/%2e%2e%2f%2e%2e%2fpage-plugin.ts',
  '/secret.txt',
  '/index.html',
]) {
  test(`${url} is not the page's`, async () => {
    const answer = await app.inject({ url, ...signedIn });
    assert.ok([400, 403, 404].includes(answer.statusCode), String(answer.statusCode));
    assert.doesNotMatch(answer.body, /not for anyone/);
  });
}

test('a gateway whose page is not built says so, and how to build it', async () => {
  const bare = await pageApp(join(directory, 'nothing-here'));
  const answer = await bare.inject('/');
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /scripts\/build-page\.mjs/);
  assert.equal(answer.headers['cache-control'], 'no-store');
  await bare.close();
});
