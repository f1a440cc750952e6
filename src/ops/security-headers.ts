/**
 * Security headers by helmet, made once: @fastify/helmet 13.2.0 puts its policy together again for every request, which was
 * a tenth of the gateway's time.
 */
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';

/** Every answer of `app` has them; a route may set its own over them. */
export async function addSecurityHeaders(app: FastifyInstance, options: FastifyHelmetOptions): Promise<void> {
  const headers = await headersOf(options);
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

/** What helmet adds to an answer that is otherwise bare. */
async function headersOf(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const [bare, dressed] = await Promise.all([answerOf(null), answerOf(options)]);
  return Object.fromEntries(Object.entries(dressed).filter(([name]) => !(name in bare)));
}

async function answerOf(options: FastifyHelmetOptions | null): Promise<Record<string, string>> {
  const app = Fastify();
  if (options !== null) await app.register(helmet, options);
  app.get('/', async () => 'ok');
  const { headers } = await app.inject('/');
  await app.close();
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
