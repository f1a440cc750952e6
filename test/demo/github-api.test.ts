import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';

let github: StandIn;
before(async () => {
  github = await startStandIn();
});
afterEach(() => github.setGitHubFault(null));
after(() => github.close());

async function get(path: string, login = 'mona', base = github.githubApiUrl): Promise<Response> {
  const headers = { authorization: `Bearer ${github.issueToken(login)}` };
  return fetch(base + path, { headers, redirect: 'manual' });
}

function endToken(token: string | undefined, kind: 'token' | 'grant' = 'token'): Promise<Response> {
  return fetch(`${github.githubApiUrl}/applications/${github.clientId}/${kind}`, {
    method: 'DELETE',
    headers: {
      authorization: `Basic ${Buffer.from(`${github.clientId}:${github.clientSecret}`).toString('base64')}`,
    },
    body: JSON.stringify({ access_token: token }),
  });
}

test('the REST API answers below the origin and below /api/v3', async () => {
  for (const base of [github.url, github.githubApiUrl]) assert.equal((await get('/user', 'mona', base)).status, 200);
});

test('a revoked token is told as bad credentials', async () => {
  const token = github.issueToken('mona');
  github.revokeToken(token);
  const response = await fetch(`${github.githubApiUrl}/user`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 401);
  assert.equal(((await response.json()) as { message: string }).message, 'Bad credentials');
});

test('organizations are listed, those that hide from the token left out', async () => {
  const orgsOf = async (login: string) =>
    ((await (await get('/user/orgs', login)).json()) as { login: string }[]).map((org) => org.login);
  assert.deepEqual(await orgsOf('hubot'), ['acme', 'globex']);
  assert.deepEqual(await orgsOf('renata'), []);
  const samuel = await get('/user/orgs', 'samuel');
  assert.match(samuel.headers.get('x-github-sso') ?? '', /^partial-results; organizations=\d+$/);
});

test('a long list comes in pages', async () => {
  const many = Array.from({ length: 31 }, (_, index) => `org-${index}`);
  const other = await startStandIn({ people: [{ id: 1, login: 'joiner', name: 'J', avatarUrl: '/a', orgs: many }] });
  try {
    const headers = { authorization: `Bearer ${other.issueToken('joiner')}` };
    const first = await fetch(`${other.githubApiUrl}/user/orgs`, { headers });
    const next = /<(.+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    assert.equal(((await first.json()) as unknown[]).length, 30);
    assert.equal(((await (await fetch(next, { headers })).json()) as unknown[]).length, 1);
  } finally {
    await other.close();
  }
});

test('membership is told, and refused as SSO and third-party restrictions refuse it', async () => {
  assert.equal((await get('/user/memberships/orgs/acme')).status, 200);
  assert.equal((await get('/user/memberships/orgs/globex')).status, 404);
  const sso = await get('/user/memberships/orgs/sso-org', 'samuel');
  assert.equal(sso.status, 403);
  assert.match(sso.headers.get('x-github-sso') ?? '', /^required; url=/);
  const restricted = await get('/user/memberships/orgs/restricted-org', 'renata');
  assert.equal(restricted.status, 403);
  assert.match(await restricted.text(), /enabled OAuth App access restrictions/);
});

test('members see members, others are sent to the public list', async () => {
  assert.equal((await get('/orgs/acme/members/hubot')).status, 204);
  assert.equal((await get('/orgs/acme/members/lovelace')).status, 404);
  assert.equal((await get('/orgs/globex/members/hubot')).status, 302);
});

test('an app ends a token, or everything a person granted it', async () => {
  const [one, two, three] = [1, 2, 3].map(() => github.issueToken('octavia'));
  assert.equal((await endToken(one)).status, 204);
  assert.equal(github.isTokenLive(one ?? ''), false);
  assert.equal(github.isTokenLive(two ?? ''), true);
  assert.equal((await endToken(one)).status, 404);
  assert.equal((await endToken(undefined)).status, 422);
  assert.equal((await endToken(two, 'grant')).status, 204);
  assert.equal(github.isTokenLive(three ?? ''), false);
});

test('GitHub can be down, refuse by status, and only where it is asked to', async () => {
  github.setGitHubFault({ down: true, pathPrefix: '/user' });
  await assert.rejects(get('/user'));
  assert.equal((await get('/orgs/acme/members/hubot')).status, 204);
  github.setGitHubFault({ status: 429, retryAfter: 7 });
  const limited = await get('/user');
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
});

test('closing ends a request that GitHub is slow to answer', async () => {
  const slow = await startStandIn();
  slow.setGitHubFault({ slowMs: 600_000 });
  const answer = assert.rejects(fetch(`${slow.githubApiUrl}/user`));
  while (slow.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await slow.close();
  await answer;
});
