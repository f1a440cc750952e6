import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pino } from 'pino';
import { openAuthApp } from '../support/auth-app.ts';

/** No masking: what is not in the log here was never given to it. */
const naked = (write: (line: string) => void) =>
  pino(
    { level: 'trace', serializers: { req: ({ method, url }) => ({ method, path: url.split('?', 1)[0] }) } },
    { write },
  );

it('no token, code, state, verifier, cookie or secret is in any log line, answer or file, whatever goes wrong', async (test) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-auth-'));
  test.after(() => rm(dataDir, { recursive: true }));
  await using gateway = await openAuthApp({
    dataDir,
    logger: naked,
    standIn: { tokens: 'expiring' },
    githubDeadlineMs: 300,
    env: { GITHUB_ALLOWED_ORGS: 'acme' },
  });
  const { standIn, auth } = gateway;
  const browser = gateway.browser();
  const answers: string[] = [];
  const secrets = new Set([
    gateway.config.github.clientSecret,
    ...auth.secrets.sessionSecrets,
    ...auth.secrets.credentialKeys,
  ]);
  const follow = async (callback: string) => {
    const query = new URL(callback, 'http://x').searchParams;
    for (const name of ['code', 'state']) if (query.has(name)) secrets.add(query.get(name) ?? '');
    for (const answer of [await browser.api('GET', callback), await browser.open(callback)]) {
      answers.push(JSON.stringify([answer.body, answer.headers.location ?? '']));
    }
    const cookie = browser.cookies.get('sid');
    if (cookie !== undefined) secrets.add(cookie).add(decodeURIComponent(cookie).split('.')[0] ?? '');
  };
  const noteToken = async () => {
    const { credential } = await auth.credentials.runtimeUser('1001', new AbortController().signal);
    if (credential.kind === 'github') secrets.add(credential.token);
  };

  await follow(await browser.toCallback('mona'));
  await noteToken();
  answers.push((await browser.api('GET', '/api/me')).body, (await browser.api('GET', '/api/me/sessions')).body);
  answers.push((await browser.api('GET', '/api/me/export')).body);
  for (const login of ['lovelace', 'samuel', 'renata']) await follow(await browser.toCallback(login));
  for (const fault of [
    { down: true },
    { status: 500 },
    { status: 404 },
    { slowMs: 5_000 },
    { status: 503, pathPrefix: '/user' },
    { status: 401, pathPrefix: '/user' },
    { slowMs: 5_000, pathPrefix: '/user' },
    { down: true, pathPrefix: '/applications' },
  ]) {
    const callback = await browser.toCallback('mona');
    standIn.setGitHubFault(fault);
    await follow(callback);
    standIn.setGitHubFault(null);
  }
  await follow(await browser.toCallback('mona'));
  gateway.advance(8 * 3_600_000);
  standIn.setGitHubFault({ down: true });
  await assert.rejects(noteToken());
  standIn.setGitHubFault(null);
  await noteToken();
  await follow(await browser.toCallback('mona'));
  standIn.setGitHubFault({ status: 500, pathPrefix: '/applications' });
  await browser.api('DELETE', '/api/me');

  const log = gateway.log.join('\n');
  assert.ok(gateway.log.length > 20 && secrets.size > 20);
  const shapes = /\bgh[opusr]_[A-Za-z0-9]{8,}|eyJ[A-Za-z0-9_-]{8,}/;
  for (const [where, text] of [
    ['log', log],
    ['answers', answers.join('\n')],
  ] as const) {
    assert.doesNotMatch(text, shapes, where);
    for (const secret of secrets) assert.ok(!text.includes(secret), `${where} has ${secret.slice(0, 6)}…`);
  }
  const files = await readdir(dataDir);
  assert.ok(files.includes('gateway.db'));
  for (const name of files) {
    const bytes = await readFile(join(dataDir, name), 'latin1');
    assert.doesNotMatch(bytes, /\bgh[opusr]_[A-Za-z0-9]{8,}/, name);
  }
});
