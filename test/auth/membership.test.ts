import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthApp, openAuthApp } from '../support/auth-app.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;

async function signIn(gateway: AuthApp, login: string) {
  const browser = gateway.browser();
  const answer = await browser.api('GET', await browser.toCallback(login));
  return { browser, answer, code: answer.statusCode === 302 ? 'in' : (answer.json().code as string) };
}

function liveTokensOf(gateway: AuthApp): number {
  return gateway.standIn.requests.filter(({ method, path }) => method === 'DELETE' && path.endsWith('/token')).length;
}

describe('GITHUB_ALLOWED_ORGS and GITHUB_ALLOWED_USERS', () => {
  it('let in members of any of the organizations, and people by name in any case', async () => {
    await using gateway = await openAuthApp({
      env: { GITHUB_ALLOWED_ORGS: 'nowhere, acme', GITHUB_ALLOWED_USERS: 'LoveLace' },
    });
    for (const login of ['mona', 'hubot', 'lovelace']) assert.equal((await signIn(gateway, login)).code, 'in', login);
    const { answer, browser } = await signIn(gateway, 'nocopilot');
    assert.equal(answer.statusCode, 403);
    assert.deepEqual([answer.json().code, answer.json().reason], ['sign_in_refused', 'not_listed']);
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
  });

  it('leave nothing behind of someone who is refused: no user, no credential, no live token', async () => {
    await using gateway = await openAuthApp({ env: { GITHUB_ALLOWED_ORGS: 'acme' } });
    await signIn(gateway, 'lovelace');
    assert.equal(await gateway.store.users.find('1004'), null);
    assert.equal(await gateway.store.credentials.find('1004'), null);
    assert.equal(liveTokensOf(gateway), 1);
  });

  it('say what to do when single sign-on is missing', async () => {
    await using gateway = await openAuthApp({ env: { GITHUB_ALLOWED_ORGS: 'sso-org' } });
    const { answer } = await signIn(gateway, 'samuel');
    const { code, reason, org, actionUrl, detail } = answer.json();
    assert.deepEqual([code, reason, org], ['sign_in_refused', 'sso_required', 'sso-org']);
    assert.ok(String(actionUrl).startsWith(`${gateway.standIn.url}/orgs/sso-org/sso`));
    assert.match(detail, /single sign-on/);
    const browser = gateway.browser();
    const page = await browser.open(await browser.toCallback('samuel'));
    assert.equal(page.statusCode, 403);
    assert.match(page.body, />Continue on GitHub<\/a>/);
    assert.match(page.body, />Try again<\/a>/);
  });

  it('say what to do when the organization has not approved the app', async () => {
    await using gateway = await openAuthApp({ env: { GITHUB_ALLOWED_ORGS: 'restricted-org' } });
    const { code, reason, actionUrl, detail } = (await signIn(gateway, 'renata')).answer.json();
    assert.deepEqual([code, reason], ['sign_in_refused', 'app_restricted']);
    assert.equal(
      actionUrl,
      `${gateway.standIn.url}/settings/connections/applications/${gateway.config.github.clientId}`,
    );
    assert.match(detail, /has not approved/);
  });

  it('take an outage for an outage, not for a refusal', async () => {
    await using gateway = await openAuthApp({ env: { GITHUB_ALLOWED_ORGS: 'acme' } });
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    gateway.standIn.setGitHubFault({ status: 503, pathPrefix: '/user/memberships' });
    const answer = await browser.api('GET', callback);
    assert.deepEqual([answer.statusCode, answer.json().code], [502, 'github_unavailable']);
  });
});

describe('membership is checked again', () => {
  const env = { GITHUB_ALLOWED_ORGS: 'acme', GITHUB_RECHECK_MINUTES: '60' };
  const leave = (gateway: AuthApp, login: string) => {
    for (const person of gateway.standIn.people) if (person.login === login) person.orgs = [];
  };

  it('when it is due, and not before', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 0, ended: 0, unknown: 0 });
    gateway.advance(HOUR + 1);
    assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 1, ended: 0, unknown: 0 });
    assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 0, ended: 0, unknown: 0 });
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 200);
  });

  it('and ends the sessions, streams, turns and the token of someone who left', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    const stays = await signIn(gateway, 'hubot');
    leave(gateway, 'mona');
    gateway.advance(HOUR + 1);
    assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 1, ended: 1, unknown: 0 });
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
    assert.equal((await stays.browser.api('GET', '/api/me')).statusCode, 200);
    assert.deepEqual(gateway.revoked, [{ userId: '1001', code: 'sign_in_refused' }]);
    assert.equal(await gateway.store.credentials.find('1001'), null);
    assert.equal(liveTokensOf(gateway), 1);
    assert.equal((await signIn(gateway, 'mona')).code, 'sign_in_refused');
  });

  it('at sign-in too: what a person who left still had open ends then', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    leave(gateway, 'mona');
    assert.equal((await signIn(gateway, 'mona')).code, 'sign_in_refused');
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
  });

  it('and an outage of GitHub signs nobody out', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    await signIn(gateway, 'hubot');
    gateway.advance(HOUR + 1);
    for (const fault of [{ down: true }, { status: 500 }, { status: 429 }, { status: 403, retryAfter: 60 }]) {
      gateway.standIn.setGitHubFault(fault);
      assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 0, ended: 0, unknown: 2 });
    }
    gateway.standIn.setGitHubFault(null);
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 200);
    assert.equal((await gateway.auth.recheckDue(gateway.now(), never)).stillAllowed, 2);
  });

  it('and a token that GitHub revoked says nothing about membership', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    gateway.standIn.revokeAllTokens('mona');
    gateway.advance(HOUR + 1);
    assert.equal((await gateway.auth.recheckDue(gateway.now(), never)).stillAllowed, 1);
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 200);
    await assert.rejects(gateway.auth.credentials.runtimeUser('1001', never), { code: 'reauth_required' });
    // Not asked about again and again.
    assert.deepEqual(await gateway.auth.recheckDue(gateway.now(), never), { stillAllowed: 0, ended: 0, unknown: 0 });
  });

  it('when they use Copilot, if no job has come to it', async () => {
    await using gateway = await openAuthApp({ env });
    const { browser } = await signIn(gateway, 'mona');
    leave(gateway, 'mona');
    gateway.advance(HOUR + 1);
    // The turn that notices still runs: it does not wait for GitHub.
    await gateway.auth.credentials.runtimeUser('1001', never);
    while (gateway.revoked.length === 0) await new Promise(setImmediate);
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
  });

  it('not at all where anyone may sign in', async () => {
    await using gateway = await openAuthApp();
    await signIn(gateway, 'mona');
    gateway.advance(HOUR + 1);
    const before = gateway.standIn.requests.length;
    await gateway.auth.recheckDue(gateway.now(), never);
    assert.equal(gateway.standIn.requests.length, before);
  });
});
