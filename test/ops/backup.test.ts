/** The drill: a backup of a gateway that is being written to becomes a gateway where everything is there. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { backUp } from '../../scripts/backup.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let directory = '';

before(async () => {
  gateway = await startTestGateway();
  directory = await mkdtemp(join(tmpdir(), 'pilothouse-backup-'));
});
after(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

it('A backup of a live gateway restores to one that has every acknowledged message and reads its credentials', async () => {
  const mona = await gateway.signIn('mona');
  const { body: chat } = await mona.post('/api/chats', { title: 'before the fire' });
  for (const content of ['one', 'two', 'three']) await mona.post(`/api/chats/${chat.id}/messages`, { content });
  const writing = mona.post(`/api/chats/${chat.id}/messages`, { content: '[[tokens:200]]' });
  const file = join(directory, 'gateway.backup');
  const done = await backUp(join(gateway.dataDir, 'gateway.db'), gateway.dataDir, file);
  assert.equal((await writing).status, 200);
  assert.ok(done.messages >= 6, `${done.messages} messages`);
  assert.equal((await stat(file)).mode & 0o077, 0);
  await assert.rejects(backUp(join(gateway.dataDir, 'gateway.db'), gateway.dataDir, file), /overwrites nothing/);

  const restored = join(directory, 'restored');
  await mkdir(restored, { mode: 0o700 });
  await copyFile(file, join(restored, 'gateway.db'));
  await copyFile(done.secrets ?? '', join(restored, 'secrets.json'));
  const again = await startTestGateway({ sharedStandIn: gateway.standIn, env: { DATA_DIR: restored } });
  try {
    const browser = again.browser();
    for (const [name, value] of mona.cookies) browser.cookies.set(name, value);
    const { body } = await browser.get(`/api/chats/${chat.id}/messages`);
    const said = body.items.map(({ content }: { content: string }) => content);
    assert.deepEqual(said.filter((_: string, index: number) => index % 2 === 0).slice(0, 3), ['one', 'two', 'three']);
    const next = await browser.post(`/api/chats/${chat.id}/messages`, { content: 'after the fire' });
    assert.equal(next.status, 200, 'the stored GitHub credential still works');
  } finally {
    await again.close();
  }
});

it('A backup says what is missing', async () => {
  await assert.rejects(backUp(join(directory, 'nowhere.db'), directory, join(directory, 'x')), /no database/);
});
