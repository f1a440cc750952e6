/**
 * Who traces nothing pays nothing: a gateway without a collector loads nothing of OpenTelemetry. Its API package aside, which is
 * empty shells and which the client of the metrics brings (@prometheus-io/client 0.16).
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { temporaryDirectory } from '../support/cluster.ts';
import { gatewayEnvironment } from '../support/gateway.ts';
import { InstanceProcess } from '../support/instance-process.ts';

/** Counts, in the gateway's process, what of OpenTelemetry is loaded, and tells it at the end. */
const COUNTER = `import { registerHooks } from 'node:module';
let loaded = 0;
registerHooks({
  load(url, context, next) {
    if (/\\/@opentelemetry\\/(?!api\\/)/.test(url)) loaded += 1;
    return next(url, context);
  },
});
process.on('exit', () => console.log('modules of OpenTelemetry: ' + loaded));`;

async function modulesLoaded(env: Record<string, string>): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const standIn = opened.adopt(await startStandIn(), (it) => it.close());
  const { path } = opened.adopt(await temporaryDirectory(), (it) => it.remove());
  const gateway = opened.adopt(
    new InstanceProcess({
      ...gatewayEnvironment(standIn, { dataDir: path, port: 0 }),
      ...env,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(COUNTER)}`,
    }),
    (it) => it.kill(),
  );
  await gateway.start();
  assert.equal(await gateway.terminate(), 0);
  const counts = gateway.told.flatMap((line) => /^modules of OpenTelemetry: (\d+)$/.exec(line)?.[1] ?? []);
  return Number(counts[0]);
}

it('a gateway without a collector loads nothing of OpenTelemetry, one with a collector does', async () => {
  assert.equal(await modulesLoaded({}), 0);
  assert.ok((await modulesLoaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })) > 0);
});
