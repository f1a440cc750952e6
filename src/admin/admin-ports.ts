/** What the admin API acts on; rooms beside this one are passed in as functions. */
import type { FastifyRequest } from 'fastify';
import type { GatewayError } from '../errors.ts';
import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';

/** Acts that are written to the audit trail. */
export type AdminAct =
  | 'admin.refused'
  | 'admin.user.block'
  | 'admin.user.unblock'
  | 'admin.user.revoke'
  | 'admin.drain'
  | 'admin.runtime.drain'
  | 'admin.runtime.restart'
  | 'admin.runtime.resume'
  | 'admin.job.run';

export interface AdminPorts {
  readonly adminUsers: readonly string[];
  /** Current first. */
  readonly operatorKeys: readonly Uint8Array[];
  readonly store: Pick<Store, 'users' | 'people' | 'jobRuns' | 'audit'>;
  readonly runtimes: Pick<Runtimes, 'topology' | 'status' | 'operate'>;
  readonly engine: { readonly running: number; readonly draining: boolean };
  /** Lets running turns end and takes no new ones; the instance is not ready from then on. */
  readonly drain: () => Promise<void>;
  /** Ends every session, API token, stream and turn of a user. */
  readonly endAccess: (userId: string, error?: GatewayError) => Promise<void>;
  readonly jobs: { readonly names: readonly string[]; request(name: string): boolean };
  readonly audit: (entry: {
    action: AdminAct;
    actor: string | null;
    subject: string | null;
    detail?: string | null;
    request: FastifyRequest;
  }) => Promise<void>;
  readonly clock: () => number;
}
