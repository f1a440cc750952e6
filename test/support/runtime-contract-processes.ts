import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Contract } from './runtime-contract-parts.ts';
import type { Arrangement } from './runtime-ground.ts';
import { runtimesOf } from './runtime-processes.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** Processes of our own: what they are given, how many there are, when they end. */
export function processContract(arrangement: Arrangement, given: Contract): void {
  belongingsContract(given);
  recyclingContract(given);
  if (arrangement === 'isolated') isolatedContract(given);
}

function belongingsContract(given: Contract): void {
  test('a runtime’s environment is the allowlist, its disk holds no chat, and closing leaves nothing', async () => {
    const runtimes = await given.ground.open();
    const user = given.ground.user('mona');
    await runTurn(await runtimes.lease(leaseRequest(user, 'disk'), soon()), say('a-very-private-canary'));
    const [process] = runtimesOf(runtimes.dataDir);
    assert.ok(process);
    assert.deepEqual(
      Object.keys(process.env).toSorted((left, right) => left.localeCompare(right)),
      [
        'COPILOT_API_URL',
        'COPILOT_DEBUG_GITHUB_API_URL',
        'COPILOT_DISABLE_KEYTAR',
        'COPILOT_HOME',
        'HOME',
        'TMPDIR',
        'XDG_CACHE_HOME',
      ],
    );
    const disk = await contentsBelow(join(runtimes.dataDir, 'runtimes'));
    assert.ok(!disk.includes('a-very-private-canary'));
    assert.ok(!disk.includes(user.credential.token));
    await runtimes.close();
    assert.deepEqual(runtimesOf(runtimes.dataDir), []);
    assert.deepEqual(await readdir(join(runtimes.dataDir, 'runtimes')), []);
  });

  test('nothing secret and nothing said is logged', () => {
    const logged = inspect(given.ground.logger.lines, { depth: 12, maxArrayLength: null, maxStringLength: null });
    assert.doesNotMatch(logged, /gh[opusr]_\w/);
    assert.doesNotMatch(logged, /canary/);
  });
}

/** One process stands for all: how it is replaced does not depend on who uses it. */
function recyclingContract(given: Contract): void {
  test('an aged runtime finishes its turn, then a fresh one goes on with the chat', async () => {
    let now = Date.now();
    const dependencies = { clock: () => now, timings: { tick: 20 } };
    const leases = { idleMs: 30 * 86_400_000 };
    const runtimes = await given.ground.open({ copilot: { sharedRuntimes: 1 }, leases, dependencies });
    const request = leaseRequest(given.ground.user('octavia'), 'aged');
    const lease = await runtimes.lease(request, soon());
    const [old] = runtimesOf(runtimes.dataDir);
    let heard = '';
    for await (const event of lease.run(say('[[tokens:20]] [[pace:20]]'), soon())) {
      if (event.type === 'text') heard += event.text;
      if (heard === 'w1 ') now += 25 * 3_600_000;
    }
    assert.match(heard, /w20$/, 'it drained');
    lease.release({ keepWarm: true });
    await eventually(() => !runtimesOf(runtimes.dataDir).some(({ pid }) => pid === old?.pid));
    const { answer } = await runTurn(await runtimes.lease(request, soon()), say('what did I say before?'));
    assert.match(answer, /tokens:20/);
    await runtimes.close();
  });
}

function isolatedContract(given: Contract): void {
  test('past MAX_RUNTIMES the longest idle one gives way, and when all are busy one is told so', async () => {
    const runtimes = await given.ground.open({ leases: { maxRuntimes: 2 } });
    const [a, b, c] = ['mona', 'hubot', 'octavia'].map((login) => leaseRequest(given.ground.user(login), 'room'));
    assert.ok(a && b && c);
    await runTurn(await runtimes.lease(a, soon()), say('Remember A.'));
    const held = await runtimes.lease(b, soon());
    const inHisPlace = await runtimes.lease(c, soon());
    assert.equal(runtimes.status().length, 2);
    await assert.rejects(runtimes.lease(a, soon()), { code: 'runtimes_busy', retryAfter: 2 });
    held.release({ keepWarm: true });
    inHisPlace.release({ keepWarm: true });
    const { answer } = await runTurn(await runtimes.lease(a, soon()), say('what did I say before?'));
    assert.match(answer, /Remember A\./);
    await runtimes.close();
  });

  test('many first uses of one person start one process', async () => {
    const runtimes = await given.ground.open();
    const user = given.ground.user('hubot');
    const chats = ['x1', 'x2', 'x3', 'x4'];
    await Promise.all(
      chats.map(async (chat) => runTurn(await runtimes.lease(leaseRequest(user, chat), soon()), say(chat))),
    );
    assert.equal(runtimesOf(runtimes.dataDir).length, 1);
    await runtimes.close();
  });

  test('with idleMs 0 a lease has a runtime of its own that ends with it', async () => {
    const runtimes = await given.ground.open({ leases: { idleMs: 0 } });
    const request = leaseRequest(given.ground.user('hubot'), 'strict');
    for (const text of ['One.', 'what did I say before?']) {
      const lease = await runtimes.lease(request, soon());
      assert.equal(lease.cold, true);
      await runTurn(lease, say(text));
    }
    await eventually(() => runtimes.status().length === 0);
    await runtimes.close();
  });

  test('idle runtimes end after LEASE_IDLE_SECONDS', async () => {
    let now = Date.now();
    const dependencies = { clock: () => now, timings: { tick: 20 } };
    const runtimes = await given.ground.open({ leases: { idleMs: 60_000 }, dependencies });
    await runTurn(await runtimes.lease(leaseRequest(given.ground.user('hubot'), 'idle'), soon()), say('Hello'));
    now += 59_000;
    assert.equal(runtimes.status().length, 1);
    now += 2_000;
    await eventually(() => runtimes.status().length === 0 && runtimesOf(runtimes.dataDir).length === 0);
    await runtimes.close();
  });

  test('warming up takes the cost of the first turn away, and respects the limit', async () => {
    const runtimes = await given.ground.open({ leases: { maxRuntimes: 1 } });
    const user = given.ground.user('hubot');
    runtimes.warm(user);
    await eventually(() => runtimes.status().some((runtime) => runtime.busy === 0));
    runtimes.warm(given.ground.user('mona'));
    await runTurn(await runtimes.lease(leaseRequest(user, 'warmed'), soon()), say('Hello'));
    assert.equal(runtimes.status().length, 1);
    await runtimes.close();
  });
}

/** Waits for what another process does, looking again with every turn of the event loop. */
async function eventually(holds: () => boolean): Promise<void> {
  const until = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < until, 'it did not come to pass within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function contentsBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
  return texts.join('\n');
}
