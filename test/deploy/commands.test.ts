/** Commands of README and docs/ as people type them: started as processes, with what the documents say around them. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { playBrowser } from '../../src/demo/browser.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { SHARED_SECRETS, temporaryDirectory } from '../support/cluster.ts';
import { shellBlocks } from '../support/documented-commands.ts';
import { freePort, gatewayEnvironment, startTestGateway } from '../support/gateway.ts';
import { Browser } from '../support/http-browser.ts';
import { startPostgres } from '../support/postgres.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** `npm <command>` under way, in a group of its own: what npm starts is stopped with it. */
class NpmCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** When everybody of the group is gone: all of them hold its output. */
  readonly #over: Promise<unknown>;
  #said = '';
  #heard = Promise.withResolvers<void>();
  #ended = false;

  constructor(args: readonly string[], env: Record<string, string>) {
    this.#child = spawn('npm', args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child.stdout?.on('data', (chunk) => {
      this.#said += chunk;
      this.#tell();
    });
    this.#over = once(this.#child, 'close').then(() => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** Waits until it says what matches. */
  async says(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = what.exec(this.#said);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`It never said ${what}:\n${this.#said}`);
      await this.#heard.promise;
    }
  }

  /** As Ctrl-C in a terminal: everybody of the group hears it. @returns all that was said, when everybody is gone */
  async interrupt(): Promise<string> {
    process.kill(-(this.#child.pid ?? 0), 'SIGINT');
    await this.#over;
    return this.#said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    process.kill(-(this.#child.pid ?? 0), 'SIGKILL');
    await this.#over;
  }

  #tell(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}

/** What a gateway says that did not leave in order. */
const IN_DISORDER = /closing failed|the grace is over/;

/** Signs `login` in at a gateway of another process. */
async function signIn(url: string, login: string): Promise<Browser> {
  const browser = new Browser(url);
  const start = await browser.fetch('/auth/github');
  const callback = await playBrowser(start.headers.get('location') ?? '', login);
  assert.equal((await browser.fetch(callback)).status, 302);
  return browser;
}

describe('npm', { timeout: 120_000 }, () => {
  it('run demo: signed in and chatting, without a GitHub app, network or account', async () => {
    await using opened = new AsyncDisposableStack();
    const { path } = opened.adopt(await temporaryDirectory(), (it) => it.remove());
    const port = await freePort();
    const demo = opened.use(new NpmCommand(['run', 'demo'], { PORT: String(port), DATA_DIR: path }));
    const [, url = ''] = await demo.says(/Open\s+(\S+)/);
    await demo.says(/People\s+mona/);
    const mona = await signIn(url, 'mona');
    assert.equal((await mona.post('/api/chat', { message: '[[say:hello mona]]' })).body.content, 'hello mona');
    assert.doesNotMatch(await demo.interrupt(), IN_DISORDER);
  });

  it('start: a gateway of the environment, which leaves in order', async () => {
    await using opened = new AsyncDisposableStack();
    const standIn = opened.adopt(await startStandIn(), (it) => it.close());
    const { path } = opened.adopt(await temporaryDirectory(), (it) => it.remove());
    const env = gatewayEnvironment(standIn, { dataDir: path, port: await freePort() });
    const gateway = opened.use(new NpmCommand(['start'], env));
    await gateway.says(/Pilothouse is ready/);
    const mona = await signIn(env.PUBLIC_URL ?? '', 'mona');
    assert.equal((await mona.get('/api/me')).body.login, 'mona');
    assert.doesNotMatch(await gateway.interrupt(), IN_DISORDER);
  });

  it('run worker: a process that only works', async () => {
    await using opened = new AsyncDisposableStack();
    const server = opened.adopt(await startPostgres(), (it) => it.close());
    const standIn = opened.adopt(await startStandIn(), (it) => it.close());
    const { path } = opened.adopt(await temporaryDirectory(), (it) => it.remove());
    const env = gatewayEnvironment(standIn, { dataDir: path, port: 0 });
    const database = { ...SHARED_SECRETS, DATABASE_URL: await server.createDatabase() };
    const worker = opened.use(new NpmCommand(['run', 'worker'], { ...env, ...database }));
    await worker.says(/worker is ready/);
    assert.doesNotMatch(await worker.interrupt(), IN_DISORDER);
  });
});

describe('A program', { timeout: 60_000 }, () => {
  it('is answered by curl as the documents write it', async () => {
    const t = await startTestGateway();
    try {
      const mona = await t.signIn('mona');
      const scopes = ['chats:read', 'chats:write'];
      const { token } = (await mona.post('/api/tokens', { name: 'curl', expiresInDays: 1, scopes })).body;
      const answers = [];
      for (const document of ['README.md', 'docs/clients.md']) {
        const [command] = shellBlocks(readFileSync(join(ROOT, document), 'utf8')).filter((it) =>
          it.startsWith('curl '),
        );
        assert.ok(command, `${document} has no curl`);
        const here = command.replace(/https:\/\/[a-z.]+/, t.url);
        const { stdout } = await run('bash', ['-euc', here], { env: { PATH: process.env.PATH, TOKEN: token } });
        answers.push(JSON.parse(stdout));
      }
      assert.equal(answers[0].sessionId, 'support');
      assert.ok(answers[0].content.length > 0);
      assert.ok(answers[1].choices[0].message.content.length > 0);
    } finally {
      await t.close();
    }
  });
});
