/** Event streams over real sockets: readers that leave, sleep or take nothing, rights that end, an app that closes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { type EventStreamOptions, EventStreams, encodeFrame, type SseFrame } from '../../src/wire/event-stream.ts';
import { timed, until } from '../turns/support/turns.ts';

type Source = (signal: AbortSignal) => AsyncIterable<SseFrame>;

let app: FastifyInstance;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
});

/** An app with one stream, and its port. */
async function serve(source: Source, options: Partial<EventStreamOptions> = {}, until?: AbortSignal) {
  const streams = new EventStreams(options);
  app = Fastify({ forceCloseConnections: 'idle' });
  app.get('/', { exposeHeadRoute: false }, (_request, reply) => streams.send(reply, source, until));
  app.addHook('preClose', async () => streams.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { streams, port: (app.server.address() as AddressInfo).port };
}

/** A client that reads only when told to. */
function ask(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  socket.pause();
  sockets.push(socket);
  return socket;
}

/** Everything a client gets until the connection or the answer ends. */
async function textOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`)).text();
}

async function* frames(count: number, bytes = 0): AsyncGenerator<SseFrame> {
  for (let id = 1; id <= count; id += 1) yield { id, event: 'delta', data: JSON.stringify('x'.repeat(bytes)) };
}

function forever(signal: AbortSignal): AsyncIterable<SseFrame> {
  return (async function* () {
    await once(signal, 'abort').catch(() => undefined);
    yield* frames(0);
  })();
}

describe('An event stream', { timeout: 30_000 }, () => {
  it('is its frames, then its end', async () => {
    const { port, streams } = await serve(() => frames(3));
    assert.equal(
      await textOf(port),
      'retry: 1000\n\nid: 1\nevent: delta\ndata: ""\n\nid: 2\nevent: delta\ndata: ""\n\nid: 3\nevent: delta\ndata: ""\n\n',
    );
    await until('it is forgotten', () => streams.size === 0);
  });

  it('shows a sign of life where nothing else is to be said', async () => {
    const { port } = await serve(forever, { heartbeatMs: 100 });
    const body = (await fetch(`http://127.0.0.1:${port}/`)).body as ReadableStream<Uint8Array>;
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
      text += chunk;
      if (text.split(': ping\n\n').length > 3) break;
    }
    assert.match(text, /^retry: 1000\n\n(: ping\n\n){3}/);
  });

  it('asks its source for no more than the reader takes, and cuts one who takes nothing', async () => {
    let made = 0;
    async function* endless() {
      for (;;) {
        made += 1;
        yield { id: made, event: 'delta', data: JSON.stringify('x'.repeat(10_000)) };
      }
    }
    const { port, streams } = await serve(endless, { stalledMs: 1_000 });
    ask(port);
    await until('it has stopped asking', async () => {
      const before = made;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return before > 0 && made === before;
    });
    // Kernel buffers of both sides take most of it; our own part is bounded by the stream's and the response's marks.
    assert.ok(made * 10_000 < 16 * 1024 * 1024, `${made} frames of 10 kB were made for nobody`);
    const { ms } = await timed(until('it is cut', () => streams.size === 0));
    assert.ok(ms < 5_000);
  });

  it('lets its source go when the reader leaves', async () => {
    let left = false;
    const { port, streams } = await serve((signal) => {
      signal.addEventListener('abort', () => {
        left = true;
      });
      return forever(signal);
    });
    const socket = ask(port);
    await until('it is open', () => streams.size === 1);
    socket.destroy();
    await until('the source was told', () => left && streams.size === 0);
  });

  it('keeps nothing of a reader who left before it began', async () => {
    const streams = new EventStreams();
    const told = Promise.withResolvers<boolean>();
    app = Fastify();
    app.get('/', { exposeHeadRoute: false }, async (request, reply) => {
      await once(request.raw.socket, 'close');
      streams.send(reply, (signal) => {
        signal.addEventListener('abort', () => told.resolve(true));
        return forever(signal);
      });
      return reply;
    });
    app.addHook('preClose', async () => streams.close());
    await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = ask((app.server.address() as AddressInfo).port);
    await once(app.server, 'request');
    socket.destroy();
    assert.ok(await told.promise);
    assert.equal(streams.size, 0);
  });

  it('ends when the right to listen ends, also when that was before it began', async () => {
    const right = new AbortController();
    const { port, streams } = await serve(forever, {}, right.signal);
    const reading = textOf(port);
    await until('it is open', () => streams.size === 1);
    right.abort();
    assert.equal(await reading, 'retry: 1000\n\n');
    assert.equal(await textOf(port), 'retry: 1000\n\n');
  });

  it('never holds the app up that closes: not by a reader who waits, not by one who takes nothing', async () => {
    let asked = 0;
    const source: Source = (signal) => {
      asked += 1;
      return asked === 1 ? forever(signal) : frames(1e6, 10_000);
    };
    const { port, streams } = await serve(source, { partingMs: 500 });
    const reading = textOf(port);
    await until('the reader waits', () => streams.size === 1);
    ask(port);
    await until('both are open', () => streams.size === 2);
    const { ms } = await timed(app.close());
    assert.ok(ms < 3_000, `${ms.toFixed(0)} ms`);
    await reading.catch(() => undefined);
  });

  it('breaks off where its source breaks', async () => {
    const { port } = await serve(async function* () {
      yield* frames(1);
      throw new Error('the source broke');
    });
    await assert.rejects(textOf(port));
  });
});

describe('A frame', () => {
  it('is one event, whatever is said in it', () => {
    const data = JSON.stringify({ text: 'a\n\nevent: turn.completed\ndata: {}\r\n\r\n' });
    const text = encodeFrame({ id: 7, event: 'message.delta', data });
    assert.equal(text.split('\n\n').length, 2);
    assert.equal(text, `id: 7\nevent: message.delta\ndata: ${data}\n\n`);
    assert.equal(encodeFrame({ id: null, event: null, data: '{}' }), 'data: {}\n\n');
  });
});
