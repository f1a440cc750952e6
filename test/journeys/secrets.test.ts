/** No secret is found where it does not belong: logs, answers, the database, a runtime's environment and disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseFault } from '../../src/demo/stand-in.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { all, type Browser } from '../support/http-browser.ts';

const TOKEN = /\bgh[opusr]_[A-Za-z0-9]{10,}/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Processes below this one, with the environment they were started with. */
function runtimeProcesses(): { pid: number; environment: string[] }[] {
  const output = execFileSync('ps', ['-e', '-o', 'pid=,args='], { encoding: 'utf8' });
  return output
    .split('\n')
    .filter((line) => line.includes('copilot-runtime'))
    .map((line) => Number.parseInt(line, 10))
    .flatMap((pid) => {
      try {
        return [{ pid, environment: readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean) }];
      } catch {
        return []; // It ended in between.
      }
    });
}

describe('Secrets', () => {
  let t: TestGateway;
  let mona: Browser;
  let token: string;
  const answers: string[] = [];

  before(async () => {
    // What an operator's shell may hold: a spawned process would inherit it.
    process.env.MY_DB_PASSWORD = 'hunter2-hunter2';
    t = await startTestGateway({ env: { LOG_LEVEL: 'trace' } });
    mona = await t.signIn('mona');
    for (const path of [
      '/api/me',
      '/api/models',
      '/api/quota',
      '/api/chats',
      '/api/me/sessions',
      '/api/me/export',
      '/readyz',
    ]) {
      answers.push((await mona.get(path)).text);
    }
    answers.push((await mona.post('/api/chat', { sessionId: 's', message: 'hello' })).text);
    const chat = (await mona.post('/api/chats', {})).body;
    answers.push(JSON.stringify(await all(mona.say(chat.id, 'hello'))));
    t.standIn.setFault(parseFault('500 times=1'));
    answers.push((await mona.post('/api/chat', { sessionId: 's', message: 'once more' })).text);
    t.standIn.setFault(null);
    token = t.standIn.modelRequests.at(-1)?.token ?? '';
  });
  after(async () => {
    delete process.env.MY_DB_PASSWORD;
    await t.close();
  });

  it('are real in this test: the model was asked with a GitHub token', () => {
    assert.match(token, TOKEN);
  });

  it('are in no answer', () => {
    assert.doesNotMatch(answers.join('\n'), TOKEN);
    assert.ok(!answers.join('\n').includes(t.standIn.clientSecret));
  });

  it('are in no log line, at the most talkative level', () => {
    const log = t.logLines.join('');
    assert.ok(t.logLines.length > 10);
    assert.doesNotMatch(log, TOKEN);
    assert.doesNotMatch(log, /\beyJ[A-Za-z0-9_-]{10,}/);
    for (const secret of [t.standIn.clientSecret, ...mona.cookies.values()])
      assert.ok(!log.includes(secret), 'a secret is logged');
    assert.doesNotMatch(log, /[?&](code|state)=/);
  });

  it("are in clear in no file of the data directory, the runtime's among them", () => {
    for (const file of filesBelow(t.dataDir)) {
      const content = readFileSync(file, 'latin1');
      assert.doesNotMatch(content, TOKEN, file);
      for (const cookie of mona.cookies.values()) assert.ok(!content.includes(cookie), `${file} has a session id`);
    }
  });

  it("are not in a runtime's environment, beyond the token it works with", () => {
    const ours = runtimeProcesses().filter(({ environment }) => environment.some((entry) => entry.includes(t.dataDir)));
    assert.ok(ours.length > 0, 'no runtime process was found');
    for (const { environment } of ours) {
      const names = environment.map((entry) => entry.split('=', 1)[0]);
      assert.ok(!names.includes('MY_DB_PASSWORD') && !names.includes('GITHUB_CLIENT_SECRET'), names.join(' '));
      const withToken = environment.filter((entry) => TOKEN.test(entry)).map((entry) => entry.split('=', 1)[0]);
      assert.deepEqual(
        withToken.filter((name) => name !== 'COPILOT_SDK_AUTH_TOKEN'),
        [],
      );
    }
  });
});
