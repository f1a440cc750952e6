import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadSecrets, type SecretsConfig } from '../../src/auth/secrets.ts';

const said: string[] = [];
const note = (...args: unknown[]) => void said.push(JSON.stringify(args));
const logger = { debug: note, info: note, warn: note, error: note };
const secret = (byte: number) => Buffer.alloc(32, byte).toString('base64url');

describe('secrets.json', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'pilothouse-secrets-'));
  });
  after(() => rm(root, { recursive: true }));

  const configFor = (name: string, given: Partial<SecretsConfig> = {}): SecretsConfig => {
    const dataDir = join(root, name);
    return {
      dataDir,
      database: { kind: 'sqlite', path: ':memory:' },
      sessionSecrets: [],
      credentialKeys: [],
      ...given,
    };
  };

  it('is made once, for its owner only, and read from then on', async () => {
    const config = configFor('fresh/data');
    const first = await loadSecrets(config, logger);
    const path = join(config.dataDir, 'secrets.json');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(Buffer.from(first.sessionSecrets[0] ?? '', 'base64url').length, 32);
    assert.notEqual(first.sessionSecrets[0], first.credentialKeys[0]);
    assert.deepEqual(await loadSecrets(config, logger), first);
    assert.deepEqual(await readdir(config.dataDir), ['secrets.json']);
    assert.ok(!said.join().includes(first.sessionSecrets[0] ?? '?'));
  });

  it('is the same for all who make it at the same moment', async () => {
    const config = configFor('race');
    // Not in step: some find the file there, some make it while others have it already.
    const after = async (ticks: number) => {
      for (let tick = 0; tick < ticks; tick += 1) await new Promise(setImmediate);
      return loadSecrets(config, logger);
    };
    const all = await Promise.all(Array.from({ length: 40 }, (_, index) => after(index)));
    assert.equal(new Set(all.map((secrets) => JSON.stringify(secrets))).size, 1);
    assert.deepEqual(await readdir(config.dataDir), ['secrets.json']);
  });

  it('that others can read is closed to them, and the operator is told', async () => {
    const config = configFor('loose');
    const made = await loadSecrets(config, logger);
    const path = join(config.dataDir, 'secrets.json');
    await chmod(path, 0o644);
    said.length = 0;
    assert.deepEqual(await loadSecrets(config, logger), made);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match(said.join(), /could be read by other users/);
  });

  it('that is damaged refuses to start and is left as it is', async () => {
    for (const [index, text] of ['', '{', '{}', '{"sessionSecrets":["short"],"credentialKeys":["short"]}'].entries()) {
      const config = configFor(`damaged-${index}`);
      await mkdir(config.dataDir);
      const path = join(config.dataDir, 'secrets.json');
      await writeFile(path, text, { mode: 0o600 });
      await assert.rejects(loadSecrets(config, logger), /is damaged/);
      assert.equal(await readFile(path, 'utf8'), text);
    }
  });

  it('is not needed where the operator gives secrets, and gives way where they give some', async () => {
    const both = configFor('given', { sessionSecrets: [secret(1)], credentialKeys: [secret(2)] });
    assert.deepEqual(await loadSecrets(both, logger), { sessionSecrets: [secret(1)], credentialKeys: [secret(2)] });
    await assert.rejects(stat(both.dataDir));
    const half = configFor('half', { credentialKeys: [secret(3)] });
    const loaded = await loadSecrets(half, logger);
    assert.deepEqual(loaded.credentialKeys, [secret(3)]);
    assert.equal((await loadSecrets(half, logger)).sessionSecrets[0], loaded.sessionSecrets[0]);
  });

  it('is never made for PostgreSQL, whose instances need the same', async () => {
    const config = configFor('cluster', { database: { kind: 'postgres', url: 'postgres://x' } });
    await assert.rejects(loadSecrets(config, logger), /required with PostgreSQL/);
    await assert.rejects(stat(config.dataDir));
  });
});
