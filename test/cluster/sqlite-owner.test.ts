/** SQLite is for one process: a second gateway on the same file says so and does not start. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseConfig } from '../../src/config.ts';
import { openGateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/logging.ts';
import { ownDatabase } from '../../src/store/open-store.ts';

const STORE = pathToFileURL(join(import.meta.dirname, '../../src/store/open-store.ts')).href;

describe('A SQLite database', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pilothouse-owner-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('has one gateway: a second one is refused in words an operator understands, and starts when the first has left', async () => {
    const config = parseConfig({
      ...{ DATA_DIR: directory, PORT: '0', GITHUB_CLIENT_ID: 'client', GITHUB_CLIENT_SECRET: 'secret' },
      LOG_LEVEL: 'silent',
    });
    const logger = createLogger({ level: 'silent', secrets: [] });
    const first = await openGateway(config, logger);
    await assert.rejects(openGateway(config, logger), /Another process runs on .*gateway\.db.*PostgreSQL/);
    await first.shutdown();
    const second = await openGateway(config, logger);
    await second.shutdown();
  });

  it('is free again when its process was killed', async () => {
    const path = join(directory, 'killed.db');
    const script = `import { ownDatabase } from ${JSON.stringify(STORE)};
      globalThis.owner = ownDatabase({ kind: 'sqlite', path: ${JSON.stringify(path)} });
      console.log('mine'); setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    assert.throws(() => ownDatabase({ kind: 'sqlite', path }), /Another process/);
    other.kill('SIGKILL');
    await once(other, 'exit');
    ownDatabase({ kind: 'sqlite', path })[Symbol.dispose]();
    assert.equal((await stat(`${path}-owner`)).mode & 0o777, 0o600);
  });

  it('in memory, and a PostgreSQL, are nobody’s alone', () => {
    for (const location of [
      { kind: 'sqlite', path: ':memory:' },
      { kind: 'postgres', url: 'postgres://nowhere/none' },
    ] as const) {
      using first = ownDatabase(location);
      using second = ownDatabase(location);
      assert.ok(first !== second);
    }
  });
});
