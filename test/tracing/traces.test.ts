/** Traces of a real gateway and a real runtime, as a real collector gets them: whole, linked, and silent about people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/otlp-collector.ts';
import { CONNECTION_TOKEN, type HeadlessServer, startServer } from '../support/runtime-server.ts';
import { endOf, newChat, startTurn } from '../turns/support/turns.ts';

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

const ASK = 'POST /api/chat';

/** A caller's own trace. */
const CALLER = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

const childOf = (parent: CollectedSpan) => (span: CollectedSpan) =>
  span.traceId === parent.traceId && span.parentSpanId === parent.spanId;

/** Those whose last spans were sent by shutting them down: that is done once. */
const stopped = new Set<TestGateway>();

async function closeAll(t: TestGateway): Promise<void> {
  if (!stopped.has(t)) await t.gateway.shutdown();
  await t.standIn.close();
  await rm(t.dataDir, { recursive: true, force: true });
}

describe('A turn on a server that sends traces itself', { timeout: 90_000 }, () => {
  it('is one trace from the request through the gateway into the runtime', async () => {
    await using opened = new AsyncDisposableStack();
    const collector = opened.adopt(await startCollector(), (it) => it.close());
    const standIn = opened.adopt(await startStandIn(), (it) => it.close());
    const volume = opened.adopt(await mkdtemp(join(tmpdir(), 'pilothouse-traces-')), (path) =>
      rm(path, { recursive: true, force: true }),
    );
    const server = opened.adopt(await tracedServer(volume, collector, standIn), async (it) => {
      it.kill('SIGKILL');
      await it.ended();
    });
    const t = opened.adopt(
      await startTestGateway({
        sharedStandIn: standIn,
        env: {
          CLI_URL: server.url,
          COPILOT_CONNECTION_TOKEN: CONNECTION_TOKEN,
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        },
      }),
      closeAll,
    );
    const mona = await t.signIn('mona');
    const traceparent = `00-${CALLER.trace}-${CALLER.span}-01`;
    const answer = await mona.post('/api/chat', { message: 'Hello' }, { traceparent });
    assert.equal(answer.status, 200);
    const agent = await collector.span(({ name }) => name === 'invoke_agent');
    await t.gateway.shutdown();
    stopped.add(t);
    const request = await collector.span(({ name }) => name === ASK);
    const chat = await collector.span(childOf(request));

    assert.equal(request.traceId, CALLER.trace);
    assert.equal(request.parentSpanId, CALLER.span);
    assert.equal(chat.attributes['gen_ai.operation.name'], 'chat');
    assert.equal(agent.traceId, CALLER.trace);
    assert.equal(agent.parentSpanId, chat.spanId);
    assert.equal(agent.attributes['gen_ai.provider.name'], chat.attributes['gen_ai.provider.name']);
  });
});

function tracedServer(volume: string, collector: Collector, standIn: Awaited<ReturnType<typeof startStandIn>>) {
  return startServer('native', {
    volume,
    env: {
      COPILOT_API_URL: standIn.copilotApiUrl,
      COPILOT_DEBUG_GITHUB_API_URL: standIn.debugGitHubApiUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  }) as Promise<HeadlessServer>;
}

describe('Traces', { timeout: 90_000 }, () => {
  let collector: Collector;
  let t: TestGateway;
  let mona: Browser;
  let chatId: string;
  let queued: { id: string };
  const opened = new AsyncDisposableStack();

  before(async () => {
    collector = opened.adopt(await startCollector(), (it) => it.close());
    t = await startTestGateway({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-collector',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        OTEL_SERVICE_NAME: 'chat',
      },
    });
    opened.defer(() => closeAll(t));
    mona = await t.signIn('mona');
    await mona.post('/api/chat', { sessionId: 'ses-canary', message: 'prompt-canary [[say:answer-canary]]' });
    await mona.get('/api/chats?q=search-canary');
    await mona.get('/healthz');
    await mona.get('/no/such/thing-canary');
    await mona.post('/api/chat', { message: '[[fault:422]]' });
    chatId = await newChat(mona);
    const running = await startTurn(mona, chatId, '[[tokens:5]] [[pace:20]]');
    const body = { content: 'then this', delivery: 'queue' };
    queued = (await mona.post(`/api/chats/${chatId}/messages`, body, { prefer: 'respond-async' })).body.turn;
    await Promise.all([endOf(mona, running.id), endOf(mona, queued.id)]);
    const { token } = (await mona.post('/api/tokens', { name: 'p', expiresInDays: 1, scopes: ['chats:write'] })).body;
    const completion = await t
      .browser()
      .post(
        '/v1/chat/completions',
        { messages: [{ role: 'user', content: 'prompt-canary' }] },
        { authorization: `Bearer ${token}` },
      );
    assert.equal(completion.status, 200);
    await t.gateway.shutdown();
    stopped.add(t);
  });
  after(() => opened.disposeAsync());

  it('have a span per request, by its template, with the turn beneath by the conventions for generative AI', async () => {
    const request = await collector.span(({ name }) => name === ASK);
    assert.equal(request.kind, SERVER);
    assert.equal(request.attributes['http.request.method'], 'POST');
    assert.equal(request.attributes['http.route'], '/api/chat');
    assert.equal(Number(request.attributes['http.response.status_code']), 200);
    const chat = await collector.span(childOf(request));
    const { attributes } = chat;
    assert.equal(chat.kind, CLIENT);
    assert.equal(chat.name, `chat ${attributes['gen_ai.request.model']}`);
    assert.equal(attributes['gen_ai.provider.name'], 'github');
    assert.equal(attributes['gen_ai.response.model'], attributes['gen_ai.request.model']);
    assert.ok(Number(attributes['gen_ai.usage.input_tokens']) > 0);
    assert.ok(Number(attributes['gen_ai.usage.output_tokens']) > 0);
    assert.ok(Number(attributes['gen_ai.response.time_to_first_chunk']) > 0);
    assert.equal(attributes['pilothouse.turn.status'], 'completed');
    assert.equal(attributes['error.type'], undefined);
    assert.deepEqual(chat.events, ['runtime.leased', 'gen_ai.first_token']);
  });

  it('tell a failure by its code', async () => {
    const chat = await collector.span(({ attributes }) => attributes['pilothouse.turn.status'] === 'failed');
    assert.equal(chat.attributes['error.type'], 'upstream_failed');
    assert.equal(chat.status, ERROR);
    const request = await collector.span(({ spanId }) => spanId === chat.parentSpanId);
    assert.equal(request.attributes['error.type'], '502');
    assert.equal(request.status, ERROR);
  });

  it('link a request to the turn that runs later', async () => {
    const request = await collector.span(({ links }) => links.length > 0);
    assert.equal(request.name, 'POST /api/chats/:chatId/messages');
    const [link] = request.links;
    assert.notEqual(link?.traceId, request.traceId);
    const turn = await collector.span(({ traceId }) => traceId === link?.traceId);
    assert.equal(turn.spanId, link?.spanId);
    assert.equal(turn.attributes['gen_ai.operation.name'], 'chat');
    assert.equal(turn.attributes['pilothouse.turn.status'], 'completed');
  });

  it('have completions too', async () => {
    const request = await collector.span(({ name }) => name === 'POST /v1/chat/completions');
    const chat = await collector.span(childOf(request));
    assert.equal(chat.attributes['gen_ai.operation.name'], 'chat');
    assert.ok(Number(chat.attributes['gen_ai.usage.output_tokens']) > 0);
    assert.deepEqual(chat.events, ['runtime.leased', 'gen_ai.first_token']);
  });

  it('name no path that somebody made up, and leave out the checks of machines', () => {
    const names = collector.spans.map(({ name }) => name);
    assert.ok(names.includes('GET'));
    assert.ok(!names.some((name) => name.includes('healthz')));
  });

  it('say whose they are, with the key of the collector', () => {
    for (const { resource } of collector.spans) {
      assert.equal(resource['service.name'], 'chat');
      assert.equal(resource['deployment.environment.name'], 'test');
      assert.equal(resource['service.version'], '0.1.0');
    }
    assert.equal(collector.headers.authorization, 'Bearer of-the-collector');
  });

  it('hold nothing that was said, no id and no token', async () => {
    const told = collector.raw.join('\n');
    const { people } = t.standIn;
    const found = people.find(({ login }) => login === 'mona');
    assert.ok(found);
    for (const secret of ['canary', 'then this', chatId, queued.id, `"${found.id}"`, 'mona', 'gho_', 'eyJ'])
      assert.ok(!told.includes(secret), `${secret} is in the traces`);
    const hex = queued.id.replaceAll('-', '');
    assert.ok(!told.includes(hex), 'a turn’s id is in the traces');
  });
});

describe('A collector that fails', { timeout: 60_000 }, () => {
  for (const [how, answer] of [
    ['refuses', 400],
    ['never answers', 'silent'],
  ] as const) {
    it(`and ${how} harms no turn and holds no shutdown up`, async () => {
      const collector = await startCollector(answer);
      const t = await startTestGateway({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
      try {
        const mona = await t.signIn('mona');
        const { status, body } = await mona.post('/api/chat', { message: '[[say:fine]]' });
        assert.equal(status, 200);
        assert.equal(body.content, 'fine');
        const begun = performance.now();
        await t.gateway.shutdown();
        stopped.add(t);
        assert.ok(performance.now() - begun < 3_500, 'it took longer than closing may');
        assert.ok(collector.spans.length > 0, 'nothing was even tried');
        const told = t.logLines.filter((line) => line.includes('traces are not taken'));
        assert.equal(told.length, answer === 400 ? 1 : 0);
      } finally {
        await closeAll(t);
        await collector.close();
      }
    });
  }
});
