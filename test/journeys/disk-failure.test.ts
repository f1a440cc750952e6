/** A disk that fails to take what was written: nobody is told otherwise, and the process makes room for one that knows more. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { freePort, gatewayEnvironment } from '../support/gateway.ts';
import { Browser } from '../support/http-browser.ts';
import { InstanceProcess } from '../support/instance-process.ts';
import { newChat } from '../turns/support/turns.ts';

const ASYNC = { prefer: 'respond-async' };
const PRELOAD = join(import.meta.dirname, '..', 'support', 'failing-disk.mjs');

it('a gateway whose disk fails takes nothing more, ends with 1, and the next one has all that was acknowledged', async () => {
  await using closing = new AsyncDisposableStack();
  const standIn = closing.adopt(await startStandIn(), (it) => it.close());
  const dataDir = closing.adopt(await mkdtemp(join(tmpdir(), 'pilothouse-disk-')), (path) =>
    rm(path, { recursive: true, force: true, maxRetries: 5 }),
  );
  const port = await freePort();
  const env = { ...gatewayEnvironment(standIn, { dataDir, port }), SHUTDOWN_GRACE_SECONDS: '5' };
  const failing = { ...env, NODE_OPTIONS: `--import ${PRELOAD}` };
  const first = closing.adopt(new InstanceProcess(failing), (it) => it.kill());
  await first.start(port);
  const mona = new Browser(first.url);
  await mona.signIn(standIn, 'mona');
  const chat = await newChat(mona);
  const said = await mona.post(`/api/chats/${chat}/messages`, { content: 'before' });
  assert.equal(said.status, 200, said.text);
  first.signal('SIGUSR2');
  // The signal is heard in a turn of the event loop of its own; from then on the gateway refuses, then is gone.
  const say = () =>
    mona.post(`/api/chats/${chat}/messages`, { content: 'after', delivery: 'queue' }, ASYNC).catch(() => null);
  let answer = await say();
  for (let more = 0; answer?.status === 202 && more < 20; more += 1) answer = await say();
  if (answer !== null) assert.equal(answer.status, 503, answer.text);
  assert.equal(await first.ended(), 1);
  assert.ok(
    first.told.some((line) => line.includes('the disk failed')),
    first.told.join('\n'),
  );
  const second = closing.adopt(new InstanceProcess(env), (it) => it.kill());
  await second.start(port);
  const { body } = await mona.get(`/api/chats/${chat}/messages`);
  assert.equal(body.items[0].content, 'before');
  assert.equal(body.items[1].role, 'assistant');
});
