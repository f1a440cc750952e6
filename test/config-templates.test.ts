/** Templates, documentation and code name the same variables, and every template is a configuration that starts. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseEnv } from 'node:util';
import { checkConfig } from '../scripts/check-config.ts';
import { configVariables, parseConfig } from '../src/config.ts';
import { startCollector } from './support/otlp-collector.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const sorted = (list: readonly (string | undefined)[]) => list.map(String).sort((a, b) => (a < b ? -1 : 1));
const names = sorted(configVariables().map(({ name }) => name));
const KEY = Buffer.alloc(32, 7).toString('base64url');

/** What an operator writes where a preset leaves a value empty. */
const FILLED: Record<string, string> = {
  GITHUB_CLIENT_ID: 'client',
  GITHUB_CLIENT_SECRET: 'secret',
  GITHUB_ALLOWED_ORGS: 'acme',
  DATABASE_URL: 'postgres://user:password@db/pilothouse',
  SESSION_SECRETS: KEY,
  CREDENTIAL_KEYS: KEY,
  COPILOT_CONNECTION_TOKEN: 'connection-token',
  COPILOT_GITHUB_TOKEN: 'service-token',
  PROVIDER_API_KEY: 'provider-key',
};

describe('Every variable', () => {
  it('is in the example, once, and nothing else is', () => {
    const lines = read('config', 'gateway.env.example').matchAll(/^#?([A-Za-z_]+)=/gm);
    assert.deepEqual(sorted([...lines].map(([, name]) => name)), names);
  });

  it('has its row in docs/configuration.md, and nothing else has', () => {
    const rows = read('docs', 'configuration.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name),
    );
    assert.deepEqual(sorted(named), names);
  });
});

describe('The example', () => {
  it('is a configuration once the required values are filled in, and says the true defaults', () => {
    const text = read('config', 'gateway.env.example');
    const bare = parseConfig({ GITHUB_CLIENT_ID: 'client', GITHUB_CLIENT_SECRET: 'secret' });
    const uncommented = text.replace(/^#([A-Za-z_]+=)/gm, '$1');
    const all = parseConfig({ ...parseEnv(uncommented), GITHUB_CLIENT_ID: 'client', GITHUB_CLIENT_SECRET: 'secret' });
    assert.deepEqual(all, bare);
  });
});

describe('Each preset', () => {
  const expected: Record<string, { topology: string; auth: string; database: string }> = {
    'isolated.env': { topology: 'isolated', auth: 'user', database: 'sqlite' },
    'shared.env': { topology: 'shared', auth: 'user', database: 'sqlite' },
    'external.env': { topology: 'external', auth: 'user', database: 'postgres' },
    'service.env': { topology: 'isolated', auth: 'service', database: 'sqlite' },
    'byok.env': { topology: 'isolated', auth: 'byok', database: 'sqlite' },
  };

  it('is known here', () => {
    const files = readdirSync(join(ROOT, 'config')).filter((file) => file.endsWith('.env'));
    assert.deepEqual(sorted(files), sorted(Object.keys(expected)));
  });

  for (const [file, { topology, auth, database }] of Object.entries(expected)) {
    it(`${file} is a configuration once its empty values are filled in`, () => {
      const preset = parseEnv(read('config', file));
      const empty = Object.keys(preset).filter((name) => preset[name] === '');
      const config = parseConfig({ ...preset, ...Object.fromEntries(empty.map((name) => [name, FILLED[name]])) });
      assert.equal(config.copilot.topology, topology);
      assert.equal(config.copilot.auth, auth);
      assert.equal(config.database.kind, database);
      assert.ok(config.secure, 'a preset is for https');
      assert.ok(Object.keys(preset).every((name) => names.includes(name)));
    });
  }
});

describe('npm run check-config', () => {
  it('tells every problem of the variables', async () => {
    const findings = await checkConfig({ PORT: 'x' });
    assert.equal(findings.length, 3);
    assert.ok(findings.every(({ result }) => result === 'failed'));
  });

  it('tries what the variables name, and remarks on slips', async () => {
    const findings = await checkConfig({
      ...{ GITHUB_CLIENT_ID: 'c', GITHUB_CLIENT_SECRET: 's', DATABASE_URL: 'sqlite::memory:' },
      ...{ GITHUB_API_URL: 'http://127.0.0.1:9', CLI_URL: '127.0.0.1:9', COPILOT_TOPLOGY: 'external' },
    });
    const of = (check: string) => findings.filter((finding) => finding.check === check);
    assert.deepEqual(
      of('variables').map(({ result }) => result),
      ['ok', 'note'],
    );
    assert.equal(of('GitHub')[0]?.result, 'failed');
    assert.match(of('runtimes')[0]?.detail ?? '', /ECONNREFUSED|copilot --headless/);
  });

  it('asks a collector of traces whether it takes any, and remarks on one that does not', async () => {
    for (const [answer, result, detail] of [
      [200, 'ok', /takes traces/],
      [403, 'note', /answered 403/],
    ] as const) {
      const collector = await startCollector(answer);
      const findings = await checkConfig({
        ...{ GITHUB_CLIENT_ID: 'c', GITHUB_CLIENT_SECRET: 's', DATABASE_URL: 'sqlite::memory:' },
        ...{ GITHUB_API_URL: 'http://127.0.0.1:9', CLI_URL: '127.0.0.1:9' },
        ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=for-the-collector' },
      });
      await collector.close();
      const found = findings.find(({ check }) => check === 'traces');
      assert.equal(found?.result, result);
      assert.match(found?.detail ?? '', detail);
      assert.equal(collector.headers['x-key'], 'for-the-collector');
    }
  });
});
