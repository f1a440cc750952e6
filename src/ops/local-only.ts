/** Routes that answer this machine only. */
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../config-values.ts';
import { GatewayError } from '../errors.ts';

/** What proxies add. Behind one, everybody's connection comes from the proxy's address, which may be this machine's. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

/**
 * An `onRequest` hook. It looks at the socket itself: `request.ip` is what a trusted proxy claims. A request that came
 * through any proxy, or for a name that is not this machine's (DNS rebinding), is from elsewhere.
 * @throws GatewayError `not_found`: from elsewhere there is no such route
 */
export async function onlyFromThisMachine(request: FastifyRequest): Promise<void> {
  const address = (request.raw.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const host = /^(\[[^\]]+\]|[^:]*)/.exec(request.headers.host ?? '')?.[1] ?? '';
  const forwarded = FORWARDED.some((name) => request.headers[name] !== undefined);
  if (isLoopback(address) && isLoopback(host) && !forwarded) return;
  throw new GatewayError('not_found', `There is nothing at ${request.method} ${request.url.split('?', 1)[0]}.`);
}
