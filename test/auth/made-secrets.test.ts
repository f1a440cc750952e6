/** Secrets that the gateway made for itself are kept out of its log as those of the environment are. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { temporaryDirectory } from '../support/cluster.ts';
import { gatewayEnvironment } from '../support/gateway.ts';
import { InstanceProcess } from '../support/instance-process.ts';
import { until } from '../turns/support/turns.ts';

it('a gateway masks the secrets it made, from its first start on', async () => {
  await using opened = new AsyncDisposableStack();
  const standIn = opened.adopt(await startStandIn(), (it) => it.close());
  const { path } = opened.adopt(await temporaryDirectory(), (it) => it.remove());
  const env = gatewayEnvironment(standIn, { dataDir: path, port: 0 });
  const gateway = opened.adopt(new InstanceProcess(env), (it) => it.kill());
  for (const start of ['first', 'second']) {
    await gateway.start();
    const made = JSON.parse(await readFile(join(path, 'secrets.json'), 'utf8'));
    for (const secret of [...made.sessionSecrets, ...made.credentialKeys]) {
      // The line of a request has its path.
      await (await fetch(`${gateway.url}/${start}/${secret}`)).body?.cancel();
    }
    const lines = () => gateway.told.filter((line) => line.includes(`"/${start}/`));
    await until('both requests are in the log', async () => lines().length === 2);
    for (const line of lines()) assert.match(line, /\/\[secret\]"/);
    assert.equal(await gateway.terminate(), 0);
  }
});
