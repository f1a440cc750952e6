/** Composes this room: what makes several instances on one PostgreSQL one gateway. */
import { GatewayError } from '../errors.ts';
import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { NoticeBoard } from '../store/notices.ts';
import type { Store } from '../store/store.ts';
import type { TurnEngine } from '../turns/turn-engine.ts';
import type { TurnSignals } from '../turns/turn-signals.ts';
import type { UserEvent, UserEvents } from '../turns/user-events.ts';
import { BackgroundTurns } from './background-turns.ts';
import { type ClusterNotice, decodeNotice, type EndedRight, encodeNotice, noticeOf } from './cluster-notice.ts';
import { ClusterTurnSignals } from './cluster-turn-signals.ts';
import { type RateLimitStoreClass, rateLimitStore } from './rate-limit-store.ts';
import { SharedCounts } from './shared-counts.ts';
import { UserEventRelay } from './user-event-relay.ts';

/** What the room is given. */
export interface ClusterDependencies {
  readonly store: Store;
  readonly databaseUrl: string;
  readonly logger: { warn(details: object, message: string): void };
  /** The database's clock. */
  readonly clock: () => number;
  /** Chats with background turns that this process runs at once. */
  readonly backgroundTurns: number;
}

/** What hears of other instances. */
export interface ClusterMembers {
  readonly engine: Pick<TurnEngine, 'look' | 'runChat' | 'stopUserHere'>;
  readonly runtimes: Pick<Runtimes, 'endUser'>;
  readonly userEvents: UserEvents;
  readonly revocations: {
    shareWith(tell: (ended: EndedRight) => void): void;
    heard(ended: EndedRight): void;
  };
}

/** The room, open. Whoever opened it closes it. */
export interface Cluster {
  readonly signals: TurnSignals;
  readonly background: BackgroundTurns;
  readonly rateLimitStore: RateLimitStoreClass;
  tellUserEvent(userId: string, event: UserEvent): void;
  /** From now on the members hear of other instances, and background turns are run. Call it once. */
  join(members: ClusterMembers): Promise<void>;
  close(): Promise<void>;
}

/** @throws GatewayError `store_unavailable`, or what pg-boss throws when it may not make its schema */
export async function openCluster(deps: ClusterDependencies): Promise<Cluster> {
  const { store, logger, databaseUrl: url } = deps;
  const background = await BackgroundTurns.open({ url, store, logger, concurrency: deps.backgroundTurns });
  const counts =
    store.rateCounts === null ? null : new SharedCounts({ counts: store.rateCounts, logger, clock: deps.clock });
  let hearing: Hearing | null = null;
  const board: NoticeBoard | null = store.openNotices({
    heard: (line) => hearing?.heard(decodeNotice(line)),
    missed: () => hearing?.missed(),
  });
  if (board === null || counts === null) throw new Error('Several instances need PostgreSQL');
  const tell = (notice: ClusterNotice) => board.tell(encodeNotice(notice));
  const signals = new ClusterTurnSignals((turnId) => tell({ kind: 'turn', turnId }));
  return {
    signals,
    background,
    rateLimitStore: rateLimitStore(counts),
    tellUserEvent: (userId, event) => tell(noticeOf(userId, event)),
    join: async (members) => {
      hearing = new Hearing(deps, members, signals);
      members.revocations.shareWith((ended) => tell({ kind: 'revoked', ...ended }));
      await background.work((chatId) => members.engine.runChat(chatId));
    },
    close: async () => {
      counts.close();
      await Promise.all([board.close(), background.close()]);
    },
  };
}

/** What this instance does with what it hears. */
class Hearing {
  readonly #members: ClusterMembers;
  readonly #signals: ClusterTurnSignals;
  readonly #events: UserEventRelay;
  readonly #logger: ClusterDependencies['logger'];

  constructor({ store, logger }: ClusterDependencies, members: ClusterMembers, signals: ClusterTurnSignals) {
    this.#members = members;
    this.#signals = signals;
    this.#logger = logger;
    this.#events = new UserEventRelay({ store, logger, userEvents: members.userEvents });
  }

  heard(notice: ClusterNotice | null): void {
    switch (notice?.kind) {
      case 'turn':
        this.#signals.heard(notice.turnId);
        this.#members.engine.look(notice.turnId);
        break;
      case 'event':
        this.#events.heard(notice);
        break;
      case 'revoked':
        this.#ended(notice);
        break;
      case undefined:
        break;
    }
  }

  /** Turns are looked at, and rights asked for, within seconds anyway. */
  missed(): void {
    this.#events.missed();
  }

  #ended({ userId, sessionId, tokenId }: EndedRight): void {
    const ended = {
      userId,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(tokenId === undefined ? {} : { tokenId }),
    };
    this.#members.revocations.heard(ended);
    if (sessionId === undefined && tokenId === undefined) void this.#endUser(userId);
  }

  async #endUser(userId: string): Promise<void> {
    const { engine, runtimes } = this.#members;
    const error = new GatewayError('unauthenticated', 'Your sign-in has ended. Sign in again.');
    try {
      await engine.stopUserHere(userId, error);
      await runtimes.endUser(userId, error);
    } catch (cause) {
      this.#logger.warn(
        { err: cause, userId },
        'what runs for a person whose access ended elsewhere could not be ended',
      );
    }
  }
}
