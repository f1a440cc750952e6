/** The admin API, guarded. Where it listens is decided where it is registered. */
import type { FastifyInstance } from 'fastify';
import { guardAdmin } from './admin-guard.ts';
import type { AdminPorts } from './admin-ports.ts';
import { instanceRoutes } from './instance-routes.ts';
import { peopleRoutes } from './people-routes.ts';

/** Adds `/admin/…` to a scope of its own. */
export function registerAdmin(scope: FastifyInstance, ports: AdminPorts): void {
  const operatorOf = guardAdmin(scope, {
    adminUsers: ports.adminUsers,
    operatorKeys: ports.operatorKeys,
    onRefused: (request) => ports.audit({ action: 'admin.refused', actor: null, subject: null, request }),
  });
  peopleRoutes(scope, ports, operatorOf);
  instanceRoutes(scope, ports, operatorOf);
}
