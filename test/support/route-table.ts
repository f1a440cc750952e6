/** The routes an app really has, from the router itself, so that no test can forget one. */
import type { FastifyInstance } from 'fastify';

/** One way in. */
export interface Route {
  readonly method: string;
  /** As it was registered, with `:names`. */
  readonly path: string;
}

/** All routes, read from the router's own picture of itself: each line goes on where its parent's path ends. */
export function routesOf(app: FastifyInstance): Route[] {
  const paths: string[] = [];
  const routes: Route[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', piece = '', methods = ''] = /^((?:[│ ] {3})*)[├└]── (\S*) \((.*)\)$/u.exec(line) ?? [];
    if (methods === '') continue;
    const depth = indent.length / 4;
    const path = (depth === 0 ? '' : (paths[depth - 1] ?? '')) + piece;
    paths[depth] = path;
    for (const method of methods.split(', ')) routes.push({ method, path });
  }
  return routes;
}
