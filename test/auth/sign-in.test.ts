import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openAuthApp } from '../support/auth-app.ts';

describe('signing in with GitHub', () => {
  it('leads a person from the first page to being signed in, and back to where they wanted to go', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const first = await browser.open('/test/read?x=1');
    assert.equal(first.statusCode, 302);
    assert.equal(first.headers.location, '/auth/github?returnTo=%2Ftest%2Fread%3Fx%3D1');

    const started = await browser.open(String(first.headers.location));
    assert.equal(started.statusCode, 302);
    const authorize = new URL(String(started.headers.location));
    assert.equal(authorize.origin, gateway.standIn.url);
    assert.equal(authorize.searchParams.get('code_challenge_method'), 'S256');
    assert.equal(authorize.searchParams.get('redirect_uri'), 'http://localhost:3000/auth/github/callback');

    const callback = new URL(await gateway.standIn.authorize(authorize.href, 'mona'));
    const back = await browser.open(`${callback.pathname}${callback.search}`);
    assert.equal(back.statusCode, 302);
    assert.equal(back.headers.location, '/test/read?x=1');
    assert.equal(back.headers['cache-control'], 'no-store');

    const me = await browser.api('GET', '/api/me');
    assert.equal(me.statusCode, 200);
    const { createdAt, avatarUrl, ...rest } = me.json();
    assert.deepEqual(rest, { id: '1001', login: 'mona', name: 'Mona Lisa' });
    assert.match(avatarUrl, /^http/);
    assert.ok(Math.abs(Date.parse(createdAt) - gateway.now()) < 10_000);
    const principal = await browser.api('GET', '/test/read');
    assert.equal(principal.json().userId, '1001');
    assert.equal(principal.json().proof.kind, 'session');
  });

  it('lets several tabs of one browser sign in at the same time', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const one = await browser.toCallback('mona', '/one');
    const two = await browser.toCallback('mona', '/two');
    assert.equal((await browser.open(one)).headers.location, '/one');
    // The first one made a new session: the second tab's sign-in ended with the old one.
    assert.equal((await browser.open(two)).statusCode, 400);
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 200);
  });

  it('works for a browser whose requests carry an Authorization header of something else', async () => {
    await using gateway = await openAuthApp();
    for (const authorization of ['Basic dGVhbTpwYXNz', 'Bearer of-a-proxy']) {
      const browser = gateway.browser();
      const started = await browser.open('/auth/github', { headers: { authorization } });
      const callback = new URL(await gateway.standIn.authorize(String(started.headers.location), 'mona'));
      const back = await browser.open(`${callback.pathname}${callback.search}`, { headers: { authorization } });
      assert.equal(back.statusCode, 302);
      assert.equal((await browser.api('POST', '/auth/logout', { headers: { authorization } })).statusCode, 204);
    }
  });

  it('keeps what it asks of GitHub to what it needs', async () => {
    await using open = await openAuthApp();
    await using restricted = await openAuthApp({ env: { GITHUB_ALLOWED_ORGS: 'acme' } });
    const scopeOf = async (gateway: typeof open) =>
      new URL(String((await gateway.browser().open('/auth/github')).headers.location)).searchParams.get('scope');
    assert.equal(await scopeOf(open), 'read:user');
    assert.equal(await scopeOf(restricted), 'read:user read:org');
  });

  it('knows a person by the numeric id: a renamed and re-claimed login is another person', async () => {
    await using gateway = await openAuthApp();
    const before = gateway.browser();
    await before.signIn('mona');
    const [mona] = gateway.standIn.people;
    assert.ok(mona);
    mona.login = 'mona-before';
    gateway.standIn.people.push({ ...mona, id: 4242, login: 'mona', name: 'Someone Else' });

    const impostor = gateway.browser();
    await impostor.signIn('mona');
    assert.equal((await impostor.api('GET', '/api/me')).json().id, '4242');
    assert.equal((await before.api('GET', '/api/me')).json().id, '1001');

    await before.signIn('mona-before');
    const renamed = (await before.api('GET', '/api/me')).json();
    assert.deepEqual([renamed.id, renamed.login], ['1001', 'mona-before']);
  });

  it('does not let a blocked person in, and drops their token', async () => {
    await using gateway = await openAuthApp();
    await gateway.browser().signIn('mona');
    await gateway.store.users.setBlocked('1001', gateway.now());
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    const refused = await browser.api('GET', callback);
    assert.equal(refused.statusCode, 403);
    assert.equal(refused.json().code, 'account_blocked');
    assert.equal(
      gateway.standIn.requests.filter(({ method, path }) => method === 'DELETE' && path.endsWith('/token')).length,
      1,
    );
  });
});

describe('when sign-in does not work', () => {
  it('shows a person a page with a way on, and a program a problem', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const page = await browser.open(await browser.toCallback('mona', '/', 'deny'));
    assert.equal(page.statusCode, 400);
    assert.match(String(page.headers['content-type']), /^text\/html/);
    assert.match(page.body, /did not authorize/);
    assert.match(page.body, /<a href="\/auth\/github">Try again<\/a>/);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|script-src/);
    assert.doesNotMatch(page.body, /<script/);
    assert.equal(page.headers['referrer-policy'], 'no-referrer');

    const problem = await browser.api('GET', await browser.toCallback('mona', '/', 'deny'));
    assert.equal(problem.statusCode, 400);
    assert.match(String(problem.headers['content-type']), /^application\/problem\+json/);
    const { code, reason } = problem.json();
    assert.deepEqual({ code, reason }, { code: 'sign_in_failed', reason: 'access_denied' });
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
  });

  it('leads who tries again to where they wanted to go, and to nowhere else', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const refused = await browser.open(await browser.toCallback('mona', '/c/one?x=1', 'deny'));
    assert.match(refused.body, /<a href="\/auth\/github\?returnTo=%2Fc%2Fone%3Fx%3D1">Try again<\/a>/);
    const evil = await browser.open(await browser.toCallback('mona', '//evil.example', 'deny'));
    assert.match(evil.body, /<a href="\/auth\/github">Try again<\/a>/);
  });

  it('puts nothing of the address into the page unescaped', async () => {
    await using gateway = await openAuthApp();
    const page = await gateway.browser().open('/auth/github/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x');
    assert.equal(page.statusCode, 400);
    assert.doesNotMatch(page.body, /<script>alert/);
  });

  it('takes GitHub’s "200 with an error" for what it is (D2)', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const callback = new URL(await browser.toCallback('mona'), 'http://x');
    callback.searchParams.set('code', 'made-up');
    const answer = await browser.api('GET', `${callback.pathname}${callback.search}`);
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.json().reason, 'bad_verification_code');
    assert.equal((await browser.api('GET', '/api/me')).statusCode, 401);
    assert.equal(await gateway.store.users.find('undefined'), null);
  });

  it('signs nobody in when GitHub does not say who they are', async () => {
    await using gateway = await openAuthApp();
    const browser = gateway.browser();
    const callback = await browser.toCallback('mona');
    gateway.standIn.setGitHubFault({ status: 503, pathPrefix: '/user' });
    const answer = await browser.api('GET', callback);
    assert.equal(answer.statusCode, 502);
    assert.equal(answer.json().code, 'github_unavailable');
    assert.equal(await gateway.store.users.find('1001'), null);
  });

  for (const [name, fault, status] of [
    ['is down', { down: true }, 502],
    ['fails', { status: 500 }, 502],
    ['asks to slow down', { status: 429, retryAfter: 3 }, 502],
  ] as const) {
    it(`tells apart that GitHub ${name}`, async () => {
      await using gateway = await openAuthApp();
      const browser = gateway.browser();
      const callback = await browser.toCallback('mona');
      gateway.standIn.setGitHubFault({ ...fault, pathPrefix: '/login/oauth/access_token' });
      const answer = await browser.api('GET', callback);
      assert.equal(answer.statusCode, status);
      assert.equal(answer.json().code, 'github_unavailable');
    });
  }

  it('does not wait for GitHub longer than the deadline (D4)', async () => {
    await using gateway = await openAuthApp({ githubDeadlineMs: 100 });
    for (const pathPrefix of ['/login/oauth/access_token', '/user']) {
      const browser = gateway.browser();
      const callback = await browser.toCallback('mona');
      gateway.standIn.setGitHubFault({ slowMs: 60_000, pathPrefix });
      const began = performance.now();
      const answer = await browser.api('GET', callback);
      assert.ok(performance.now() - began < 2_000);
      assert.equal(answer.json().code, 'github_unavailable');
      gateway.standIn.setGitHubFault(null);
    }
  });
});
