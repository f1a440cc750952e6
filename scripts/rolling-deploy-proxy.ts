/**
 * A balancer as small as one can be: asks each gateway whether it is ready, sends each request to one that is, in turn, and
 * tries another only where nothing was sent yet. It never repeats a request that a gateway may have taken.
 */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

/** Between two questions, in milliseconds. */
export const CHECK_MS = 200;

const BODY_LIMIT = 1024 * 1024;

/** Where a gateway answers. */
interface Backend {
  readonly port: number;
  ready: boolean;
}

export class RollingProxy {
  readonly #backends: Backend[];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;
  readonly #timer: NodeJS.Timeout;
  #turn = 0;

  constructor(ports: readonly number[]) {
    this.#backends = ports.map((port) => ({ port, ready: false }));
    this.#server = createServer((incoming, answer) => void this.#serve(incoming, answer));
    this.#timer = setInterval(() => void this.#check(), CHECK_MS);
  }

  /** Listens on `port` of the loopback address. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Whether the gateway on `port` gets requests. */
  sendsTo(port: number): boolean {
    return this.#backends.some((backend) => backend.port === port && backend.ready);
  }

  async #check(): Promise<void> {
    await Promise.all(
      this.#backends.map(async (backend) => {
        backend.ready = await isReady(backend.port);
      }),
    );
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const ready = this.#backends.filter(({ ready: is }) => is);
    this.#turn += 1;
    const order = ready.map((_, index) => ready[(index + this.#turn) % ready.length] as Backend);
    this.#forward(incoming, answer, body, order);
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse, body: Buffer, [backend, ...others]: Backend[]): void {
    if (backend === undefined) {
      answer.writeHead(502).end('no gateway is ready');
      return;
    }
    const { method, url: path, headers } = incoming;
    const outgoing = request({ agent: this.#agent, host: '127.0.0.1', port: backend.port, method, path, headers });
    outgoing.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
      response.once('error', () => answer.destroy());
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      if (answer.headersSent) answer.destroy();
      else if (error.code === 'ECONNREFUSED') this.#forward(incoming, answer, body, others);
      else answer.writeHead(502).end(String(error));
    });
    answer.once('close', () => outgoing.destroy());
    outgoing.end(body);
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false; // it does not listen
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
