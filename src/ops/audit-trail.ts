/** The audit trail: one log line with `audit: true`, one row, one count. A store that is away costs the row, not the act. */
import type { AuditRecord } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { newId } from '../wire/ids.ts';
import type { GatewayMetrics } from './metrics.ts';

/** Everything the trail tells of. */
export const AUDIT_ACTIONS = [
  'sign_in',
  'sign_in.refused',
  'sign_out',
  'sign_out.everywhere',
  'session.end',
  'access.ended',
  'account.export',
  'account.erase',
  'api_token.create',
  'api_token.revoke',
  'admin.refused',
  'admin.user.block',
  'admin.user.unblock',
  'admin.user.revoke',
  'admin.drain',
  'admin.runtime.drain',
  'admin.runtime.restart',
  'admin.runtime.resume',
  'admin.job.run',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What is known of an act. */
export interface AuditEntry {
  readonly action: AuditAction;
  /** User id, or `admin:<name>`. */
  readonly actor: string | null;
  /** User id. */
  readonly subject: string | null;
  /** A stable word or two; nothing a person wrote. */
  readonly detail?: string | null;
  /** Only for the log. */
  readonly requestId?: string;
  readonly address?: string;
}

export interface AuditTrailParts {
  readonly store: Pick<Store, 'audit'>;
  readonly metrics: GatewayMetrics;
  readonly logger: { info(details: object, message: string): void; error(details: object, message: string): void };
  readonly clock: () => number;
}

export class AuditTrail {
  readonly #parts: AuditTrailParts;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** Writes it down. Never rejects. */
  async record({ action, actor, subject, detail = null, ...log }: AuditEntry): Promise<void> {
    const { store, metrics, logger, clock } = this.#parts;
    logger.info({ audit: true, action, actor, subject, detail, ...log }, 'audit');
    metrics.audits.inc({ action });
    const row: AuditRecord = { id: newId(), at: clock(), action, actor, subject, detail };
    await store.audit.add(row).catch((error: unknown) => {
      logger.error({ err: error, audit: true, action }, 'the audit trail could not be written; the log has the entry');
    });
  }

  /** An erased person: what was recorded of them goes, that it happened stays. */
  async recordErasure(userId: string): Promise<void> {
    const { store, logger } = this.#parts;
    await store.audit
      .eraseSubject(userId)
      .catch((error: unknown) =>
        logger.error({ err: error }, 'the audit trail of an erased person could not be erased'),
      );
    await this.record({ action: 'account.erase', actor: null, subject: null });
  }
}
