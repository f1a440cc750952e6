import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { SessionFileRepository } from '../../src/session-files.ts';
import { type Ground, layGround } from '../support/runtime-ground.ts';
import { leaseRequest, runTurn, say } from '../support/runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const away = (): GatewayError => new GatewayError('store_unavailable', 'The store is away.', { retryAfter: 1 });

describe('runtimes while the store is away for a moment', { timeout: 60_000 }, () => {
  let ground: Ground;
  before(async () => {
    ground = await layGround('isolated');
  });
  after(() => ground.close());

  test('a warm runtime whose lease failed over it is nobody’s again', async () => {
    let failing = false;
    const sessionFiles = unreadable(ground.files, () => failing);
    const runtimes = await ground.open({ leases: { maxRuntimes: 1 }, dependencies: { sessionFiles } });
    const request = leaseRequest(ground.user('octavia'), 'hiccup');
    await runTurn(await runtimes.lease(request, soon()), say('Hello'));
    failing = true;
    await assert.rejects(runtimes.lease(request, soon()), { code: 'store_unavailable' });
    failing = false;
    assert.deepEqual(
      runtimes.status().map(({ busy }) => busy),
      [0],
    );
    const other = await runtimes.lease(leaseRequest(ground.user('mona'), 'next'), soon());
    other.release({ keepWarm: true });
    await runtimes.close();
  });
});

/** The real files, but for the note while `failing`. */
function unreadable(files: SessionFileRepository, failing: () => boolean): SessionFileRepository {
  return new Proxy(files, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'read') return value.bind(target);
      return async (session: string, path: string) => {
        if (failing() && path === '/gateway/context.json') throw away();
        return target.read(session, path);
      };
    },
  });
}
