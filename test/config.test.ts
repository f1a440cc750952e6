/** The configuration: every problem told at once, nothing unsafe without saying so, no secret repeated. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError, parseConfig } from '../src/config.ts';

const MINIMAL = { GITHUB_CLIENT_ID: 'client', GITHUB_CLIENT_SECRET: 'the-client-secret' };
const KEY = Buffer.alloc(32, 7).toString('base64url');

function problems(env: Record<string, string>): readonly string[] {
  try {
    parseConfig({ ...MINIMAL, ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('A configuration with the two required variables', () => {
  const config = parseConfig(MINIMAL);

  it('is what the documentation promises by default', () => {
    assert.equal(config.host, '127.0.0.1');
    assert.equal(config.port, 3000);
    assert.equal(config.publicUrl.origin, 'http://localhost:3000');
    assert.equal(config.secure, false);
    assert.deepEqual(config.trustProxy, []);
    assert.equal(config.shutdownGraceMs, 20_000);
    assert.equal(config.database.kind, 'sqlite');
    assert.equal(config.copilot.topology, 'isolated');
    assert.equal(config.copilot.auth, 'user');
    assert.equal(config.copilot.provider, null);
    assert.equal(config.github.apiUrl, 'https://api.github.com');
    assert.equal(config.github.recheckMs, 3_600_000);
    assert.deepEqual(config.webSessions, { idleMs: 24 * 3_600_000, maxMs: 14 * 86_400_000 });
    assert.deepEqual(config.leases, { idleMs: 600_000, maxRuntimes: 50 });
    assert.equal(config.turns.perUser, 10);
    assert.equal(config.turns.eventsKeptMs, 86_400_000);
    assert.equal(config.rateLimitPerMinute, 300);
    assert.equal(config.chatRetentionMs, 0);
    assert.deepEqual(config.ops, { port: null, host: '127.0.0.1' });
    assert.equal(config.logLevel, 'info');
  });

  it('follows the port with the public URL, and GitHub Enterprise with the API', () => {
    assert.equal(parseConfig({ ...MINIMAL, PORT: '8080' }).publicUrl.origin, 'http://localhost:8080');
    const enterprise = parseConfig({ ...MINIMAL, GITHUB_URL: 'https://github.example.com/' });
    assert.equal(enterprise.github.apiUrl, 'https://github.example.com/api/v3');
  });

  it('treats an empty variable as absent', () => {
    assert.equal(parseConfig({ ...MINIMAL, PORT: '', COPILOT_TOPOLOGY: ' ' }).port, 3000);
  });

  it('uses external servers as soon as they are named', () => {
    assert.equal(parseConfig({ ...MINIMAL, CLI_URL: 'localhost:4321' }).copilot.topology, 'external');
  });

  it('hands nothing of our environment to runtimes but the variables that are meant for them', () => {
    const { runtimeEnv } = parseConfig({
      ...MINIMAL,
      HTTPS_PROXY: 'http://proxy:3128',
      MY_PASSWORD: 'x',
      HOME: '/root',
    }).copilot;
    assert.deepEqual(runtimeEnv, { HTTPS_PROXY: 'http://proxy:3128' });
  });
});

describe('Whatever is wrong', () => {
  it('is told all at once', () => {
    const error = (() => {
      try {
        parseConfig({ PORT: '99999', TRUST_PROXY: 'true', LOG_LEVEL: 'loud', COPILOT_TOPOLOGY: 'external' });
      } catch (caught) {
        return caught as ConfigError;
      }
      return null;
    })();
    assert.ok(error instanceof ConfigError);
    for (const name of ['PORT', 'TRUST_PROXY', 'LOG_LEVEL', 'CLI_URL', 'GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'])
      assert.ok(error.message.includes(name), `${name} is missing in: ${error.message}`);
    assert.equal(error.problems.length, 6);
  });

  const refused: Record<string, Record<string, string>> = {
    'a proxy setting that believes anyone': { TRUST_PROXY: 'true' },
    'a hop count for a proxy': { TRUST_PROXY: '1' },
    'the whole internet as a proxy': { TRUST_PROXY: '0.0.0.0/0' },
    'plain http on a public address': { PUBLIC_URL: 'http://chat.example.com' },
    'a public URL with a path': { PUBLIC_URL: 'https://example.com/chat' },
    'a short session secret': { SESSION_SECRETS: 'c2hvcnQ' },
    'a short credential key behind a good one': { CREDENTIAL_KEYS: `${KEY},c2hvcnQ` },
    'a remote CLI without a connection token': { CLI_URL: 'copilot-cli:4321' },
    'CLI_URL beside a topology that spawns': { CLI_URL: 'localhost:1', COPILOT_TOPOLOGY: 'isolated' },
    'a CLI_URL that is no host:port': { CLI_URL: 'tcp//nowhere' },
    'a service without a token': { COPILOT_AUTH: 'service' },
    'byok without provider and models': { COPILOT_AUTH: 'byok' },
    'a provider that is not used': { PROVIDER_BASE_URL: 'https://api.openai.com/v1' },
    'an unknown kind of database': { DATABASE_URL: 'mysql://u:p@h/d' },
    'an ops host without a port': { OPS_HOST: '0.0.0.0' },
    'a number that is none': { MAX_RUNTIMES: 'many' },
    'a fraction': { TURN_MAX_SECONDS: '1.5' },
    'a delay that takes all of the grace': { SHUTDOWN_DELAY_SECONDS: '16' },
  };
  for (const [what, env] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      const told = problems(env);
      assert.ok(told.length > 0);
      assert.ok(
        told.some((sentence) => Object.keys(env).some((name) => sentence.includes(name.replace(/_BASE_URL$/, '_')))),
      );
    });
  }

  it('requires shared secrets with PostgreSQL, and says how to make them', () => {
    const told = problems({ DATABASE_URL: 'postgres://u:hunter2secret@db/x' });
    assert.equal(told.length, 2);
    assert.ok(told.every((sentence) => /openssl rand/.test(sentence)));
    assert.equal(
      problems({ DATABASE_URL: 'postgres://u:p@db/x', SESSION_SECRETS: KEY, CREDENTIAL_KEYS: KEY }).length,
      0,
    );
  });

  it('accepts plain http only when that is spelled out', () => {
    assert.equal(problems({ PUBLIC_URL: 'http://chat.lan', DANGEROUSLY_ALLOW_HTTP_PUBLIC_URL: 'true' }).length, 0);
  });

  it('repeats no secret', () => {
    const secret = 'hunter2-never-repeat-me';
    const told = [
      ...problems({ DATABASE_URL: `mysql://u:${secret}@h/d` }),
      ...problems({ SESSION_SECRETS: secret, CREDENTIAL_KEYS: secret }),
      ...problems({ GITHUB_URL: `https://user:${secret}@github.example.com` }),
      ...problems({ COPILOT_AUTH: 'byok', PROVIDER_BASE_URL: `https://:${secret}@api.example.com` }),
      ...problems({ GITHUB_CLIENT_SECRET: secret, GITHUB_CLIENT_SECRET_FILE: '/nowhere' }),
    ];
    assert.ok(told.length >= 6);
    assert.ok(!told.join('\n').includes(secret));
  });
});

describe('A secret in a file', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pilothouse-config-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('is read from it, without the line break editors leave', async () => {
    const file = join(directory, 'secret');
    await writeFile(file, 'from-the-file\n');
    const config = parseConfig({ GITHUB_CLIENT_ID: 'c', GITHUB_CLIENT_SECRET_FILE: file });
    assert.equal(config.github.clientSecret, 'from-the-file');
  });

  it('is a problem when it is missing, empty, or given twice', async () => {
    const empty = join(directory, 'empty');
    await writeFile(empty, ' \n');
    assert.match(
      problems({ COPILOT_GITHUB_TOKEN_FILE: join(directory, 'gone') }).join(),
      /COPILOT_GITHUB_TOKEN_FILE.*ENOENT/,
    );
    assert.match(problems({ COPILOT_GITHUB_TOKEN_FILE: empty }).join(), /COPILOT_GITHUB_TOKEN_FILE.*empty/);
    assert.match(problems({ GITHUB_CLIENT_SECRET_FILE: empty }).join(), /both set/);
  });

  it('may be the system message, which is then not given twice', async () => {
    const file = join(directory, 'system');
    await writeFile(file, 'Be brief.\n');
    assert.equal(parseConfig({ ...MINIMAL, SYSTEM_MESSAGE_FILE: file }).copilot.systemMessage, 'Be brief.');
    assert.match(problems({ SYSTEM_MESSAGE: 'a', SYSTEM_MESSAGE_FILE: file }).join(), /both set/);
  });
});

describe('Traces', () => {
  it('go nowhere without an endpoint, whatever else is set', () => {
    assert.equal(parseConfig({ ...MINIMAL, OTEL_SERVICE_NAME: 'x' }).tracing.endpoint, null);
  });

  it('follow the standard variables', () => {
    const { tracing } = parseConfig({
      ...MINIMAL,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%2Cb, x-other = c',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=of-attributes,team=chat',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    });
    assert.deepEqual(tracing, {
      endpoint: 'http://collector:4318',
      headers: { 'x-key': 'a,b', 'x-other': 'c' },
      serviceName: 'of-attributes',
      resource: { 'service.name': 'of-attributes', team: 'chat' },
      sampler: 'parentbased_traceidratio',
      ratio: 0.25,
    });
  });

  it('are refused with what is wrong, the key of the collector aside', () => {
    const told = problems({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'the-key-alone',
      OTEL_TRACES_SAMPLER: 'some',
      OTEL_TRACES_SAMPLER_ARG: '2',
    });
    assert.equal(told.length, 4);
    for (const [index, name] of ['ENDPOINT', 'HEADERS', 'SAMPLER', 'SAMPLER_ARG'].entries())
      assert.match(told[index] ?? '', new RegExp(`OTEL_\\w*${name}\\b`));
    assert.ok(!told.join().includes('the-key-alone'));
    for (const headers of ['x-key=the-key%0Ax', 'x-key=the-key%E2%82%AC', 'x(key=the-key']) {
      const [one = '', ...more] = problems({ OTEL_EXPORTER_OTLP_HEADERS: headers });
      assert.match(one, /OTEL_EXPORTER_OTLP_HEADERS/);
      assert.ok(!one.includes('the-key') && more.length === 0);
    }
  });
});
