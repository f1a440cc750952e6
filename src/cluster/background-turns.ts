/**
 * Background turns of all instances, handed out by pg-boss to whoever is free. Its jobs carry ids and are hints: what is to
 * be run, and that it runs once and in order, stands in the store's turns. So a job too many does nothing, and a lost one is
 * offered again (`turn-starter.ts`); what pg-boss adds is the waking, the bound per worker and the turn-taking of users.
 */
import { PgBoss } from 'pg-boss';
import type { Store, WaitingTurn } from '../store/store.ts';
import type { BackgroundQueue } from '../turns/turn-starter.ts';

/** What the queue is made of. */
export interface BackgroundTurnsParts {
  readonly url: string;
  readonly store: Store;
  readonly logger: { warn(details: object, message: string): void };
  /** Chats with background turns that this process runs at once; 0: it only offers. */
  readonly concurrency: number;
}

interface TurnJob {
  readonly turnId: string;
  readonly chatId: string;
}

const QUEUE = 'background-turns';
const SCHEMA = 'pgboss';
/** For sending and fetching; the listener has one of its own. */
const CONNECTIONS = 2;
const HOUR = 3_600;
/** pg-boss hands its options on to `pg`: a connection that went silent would be waited for until the system gives it up. */
const SILENCE = { query_timeout: 15_000, keepAlive: true };
/** A job whose worker is silent for so long is free again: a dead one must not use up its users' share. */
const SILENT_SECONDS = 30;
/** Between two looks for such jobs. */
const LOOK_SECONDS = 15;
/** Seconds between two looks of an idle worker that hears notifications, and of one that does not. */
const POLLING = { notifyPollingIntervalSeconds: 20, pollingIntervalSeconds: 1 };

export class BackgroundTurns implements BackgroundQueue {
  readonly #parts: BackgroundTurnsParts;
  readonly #boss: PgBoss;
  #working = false;

  private constructor(parts: BackgroundTurnsParts, boss: PgBoss) {
    this.#parts = parts;
    this.#boss = boss;
  }

  /** @throws what pg-boss throws when it may not make its schema `pgboss` or cannot reach the database */
  static async open(parts: BackgroundTurnsParts): Promise<BackgroundTurns> {
    const boss = new PgBoss({
      connectionString: parts.url,
      schema: SCHEMA,
      max: CONNECTIONS,
      ...SILENCE,
      application_name: 'pilothouse-jobs',
      useListenNotify: true,
      // Our own jobs keep time (`jobs/`), and its tables stay small: finished jobs are deleted within the hour.
      schedule: false,
      reindex: false,
      monitorVacuum: false,
      superviseIntervalSeconds: LOOK_SECONDS,
      monitorIntervalSeconds: LOOK_SECONDS,
    });
    boss.on('error', (error) => parts.logger.warn({ err: error }, 'the queue of background turns has a problem'));
    await boss.start();
    await boss.createQueue(QUEUE, {
      policy: 'exclusive',
      notify: true,
      retryLimit: 5,
      retryDelay: 1,
      expireInSeconds: 2 * HOUR,
      heartbeatSeconds: SILENT_SECONDS,
      deleteAfterSeconds: HOUR,
      retentionSeconds: 24 * HOUR,
    });
    return new BackgroundTurns(parts, boss);
  }

  offer(turn: WaitingTurn): void {
    void this.#send(turn).catch((error: unknown) => {
      // It stands in the store: the next look of any instance offers it again.
      this.#parts.logger.warn({ err: error, turnId: turn.id }, 'a background turn could not be offered yet');
    });
  }

  /** Runs what is offered, from now on. `run` resolves when nothing of the chat runs here any more. */
  async work(run: (chatId: string) => Promise<void>): Promise<void> {
    const { concurrency } = this.#parts;
    if (concurrency === 0) return;
    this.#working = true;
    // One by one, because only so can each be woken: of a group of workers pg-boss names the first alone (12.35).
    const options = { ...POLLING, groupConcurrency: Math.ceil(concurrency / 2) };
    for (let index = 0; index < concurrency; index += 1) {
      const id = await this.#boss.work<TurnJob>(QUEUE, options, async ([job]) => {
        // Fetched while this process was closing: it fails, and another one takes it in a second.
        if (!this.#working) throw new Error('This instance is shutting down');
        if (job !== undefined) await run(job.data.chatId);
        // It looks again at once, instead of sleeping over what has waited for it.
        this.#boss.notifyWorker(id);
      });
    }
  }

  /** Takes nothing new; what runs goes on. */
  async stop(): Promise<void> {
    if (!this.#working) return;
    this.#working = false;
    await this.#boss.offWork(QUEUE, { wait: false });
  }

  async close(): Promise<void> {
    this.#working = false;
    await this.#boss.stop({ graceful: false });
  }

  async #send({ id, chatId, userId }: WaitingTurn): Promise<void> {
    const theirs = await this.#parts.store.turns.activeOfUser(userId);
    const place = theirs.filter(({ background, status }) => background && status === 'queued').length;
    // The first of each user before the second of anyone: whoever sends many waits behind those who send few.
    const options = { singletonKey: id, group: { id: userId }, priority: -place };
    await this.#boss.send(QUEUE, { turnId: id, chatId } satisfies TurnJob, options);
  }
}
