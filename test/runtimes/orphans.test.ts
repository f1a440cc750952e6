import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { openRuntimeDirectories } from '../../src/runtimes/runtime-directory.ts';
import { runtimesOf } from '../support/runtime-processes.ts';
import { recordingLogger } from '../support/runtime-settings.ts';

test('a killed gateway leaves no runtime, and the next one clears its directories', { timeout: 30_000 }, async (t) => {
  const api = await startStandIn();
  const dataDir = await mkdtemp(join(tmpdir(), 'killed-gateway-'));
  t.after(async () => {
    await api.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const script = fileURLToPath(new URL('../support/runtime-gateway-main.ts', import.meta.url));
  const gateway = spawn(process.execPath, [script, dataDir, api.url, api.issueToken('mona')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: gateway.stdout })) {
    if (line.startsWith('w3')) gateway.kill('SIGKILL'); // in the midst of the answer
  }
  const until = performance.now() + 10_000;
  while (runtimesOf(dataDir).length > 0) {
    assert.ok(performance.now() < until, 'the runtime outlived its gateway by 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await readdir(join(dataDir, 'runtimes'))).length, 1);
  const directories = await openRuntimeDirectories(dataDir, Date.now(), recordingLogger());
  await directories.close();
  assert.deepEqual(await readdir(join(dataDir, 'runtimes')), []);
});
