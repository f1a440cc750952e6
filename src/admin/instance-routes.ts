/** `/admin/runtimes…`, `/admin/jobs`, `/admin/audit`, `/admin/drain`: this instance, and what it did. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { GatewayError, notFound } from '../errors.ts';
import type { JobRunRecord } from '../store/operations.ts';
import { isoTime, isoTimeOrNull, Strict } from '../wire/shapes.ts';
import type { Operator } from './admin-guard.ts';
import type { AdminPorts } from './admin-ports.ts';

const JobParams = Type.Object({ name: Type.String({ maxLength: 100 }) });
const RuntimeParams = Type.Object({ name: Type.String({ maxLength: 200 }) });
const AuditQuery = Strict({
  userId: Type.Optional(Type.String({ maxLength: 64 })),
  before: Type.Optional(Type.String({ maxLength: 64, description: 'id of the last entry seen' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
});

const HIDDEN = { schema: { hide: true } } as const;

type OperatorOf = (request: FastifyRequest) => Operator;

export function instanceRoutes(app: FastifyInstance, ports: AdminPorts, operatorOf: OperatorOf): void {
  app.get('/admin/runtimes', HIDDEN, async () => ({
    topology: ports.runtimes.topology,
    turnsRunning: ports.engine.running,
    draining: ports.engine.draining,
    items: ports.runtimes.status(),
  }));
  runtimeRoutes(app, ports, operatorOf);
  app.post('/admin/drain', HIDDEN, async (request, reply) => {
    await ports.audit({ action: 'admin.drain', actor: `admin:${operatorOf(request).name}`, subject: null, request });
    // Answered at once: turns may take as long as the grace allows.
    ports.drain().catch((error: unknown) => request.log.error({ err: error }, 'draining failed'));
    return reply.code(202).send({ draining: true, turnsRunning: ports.engine.running });
  });
  jobRoutes(app, ports, operatorOf);
  app.get('/admin/audit', { schema: { querystring: AuditQuery, hide: true } }, async (request) => {
    const { userId, before, limit = 50 } = request.query as Static<typeof AuditQuery>;
    const entries = await ports.store.audit.list({
      limit,
      ...(userId === undefined ? {} : { subject: userId }),
      ...(before === undefined ? {} : { before }),
    });
    return { items: entries.map((entry) => ({ ...entry, at: isoTime(entry.at) })) };
  });
}

function runtimeRoutes(app: FastifyInstance, { runtimes, audit }: AdminPorts, operatorOf: OperatorOf): void {
  for (const act of ['drain', 'restart', 'resume'] as const) {
    app.post(
      `/admin/runtimes/:name/${act}`,
      { schema: { params: RuntimeParams, hide: true } },
      async (request, reply) => {
        const { name } = request.params as Static<typeof RuntimeParams>;
        const outcome = runtimes.operate(name, act);
        if (outcome === 'unknown') throw notFound('runtime');
        if (outcome === 'only')
          throw new GatewayError('conflict', 'No other runtime takes turns: restart it, or resume another one first.');
        const actor = `admin:${operatorOf(request).name}`;
        await audit({ action: `admin.runtime.${act}`, actor, subject: null, detail: name, request });
        // Answered at once: its turns may take as long as turns may.
        return reply.code(202).send({ name, items: runtimes.status().filter((one) => one.name === name) });
      },
    );
  }
}

function jobRoutes(app: FastifyInstance, { store, jobs, audit }: AdminPorts, operatorOf: OperatorOf): void {
  app.get('/admin/jobs', HIDDEN, async () => {
    const runs = new Map((await store.jobRuns.list()).map((run) => [run.name, run]));
    return { items: jobs.names.map((name) => jobView(name, runs.get(name))) };
  });
  app.post('/admin/jobs/:name/run', { schema: { params: JobParams, hide: true } }, async (request, reply) => {
    const { name } = request.params as Static<typeof JobParams>;
    if (!jobs.request(name)) throw notFound('job');
    await audit({
      action: 'admin.job.run',
      actor: `admin:${operatorOf(request).name}`,
      subject: null,
      detail: name,
      request,
    });
    return reply.code(202).send({ name, requested: true });
  });
}

function jobView(name: string, run: JobRunRecord | undefined) {
  return {
    name,
    startedAt: isoTimeOrNull(run?.startedAt ?? null),
    endedAt: isoTimeOrNull(run?.endedAt ?? null),
    dueAt: isoTimeOrNull(run === undefined || run.dueAt === 0 ? null : run.dueAt),
    outcome: run?.outcome ?? null,
    failures: run?.failures ?? 0,
    detail: run?.detail ?? null,
  };
}
