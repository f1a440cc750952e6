/** What happens to turns is published for people's tabs; metrics listen at the same place. */
import type { TurnView } from '../turns/turn-shapes.ts';
import { type UserEvent, UserEvents } from '../turns/user-events.ts';
import type { GatewayMetrics } from './metrics.ts';

export class MeteredUserEvents extends UserEvents {
  readonly #metrics: GatewayMetrics;
  /** Turns that wait on this instance. */
  readonly #queued = new Set<string>();

  constructor(metrics: GatewayMetrics, tellOthers?: (userId: string, event: UserEvent) => void) {
    super(tellOthers);
    this.#metrics = metrics;
  }

  override publish(userId: string, event: UserEvent): void {
    if ('turn' in event.data) this.#note(event.event, event.data.turn);
    super.publish(userId, event);
  }

  #note(event: UserEvent['event'], turn: TurnView): void {
    if (event === 'turn.queued') this.#queued.add(turn.id);
    else this.#queued.delete(turn.id);
    this.#metrics.queued.set(this.#queued.size);
    if (event === 'turn.started')
      this.#metrics.queueSeconds.observe({}, secondsBetween(turn.createdAt, turn.startedAt));
    if (event === 'turn.ended') this.#noteEnd(turn);
  }

  #noteEnd({ status, model, startedAt, endedAt, error }: TurnView): void {
    this.#metrics.turns.inc({ outcome: status, model: this.#metrics.model(model) });
    if (error !== null) this.#metrics.turnErrors.inc({ code: error.code });
    if (startedAt !== null) this.#metrics.turnSeconds.observe({ outcome: status }, secondsBetween(startedAt, endedAt));
  }
}

function secondsBetween(from: string, to: string | null): number {
  return to === null ? 0 : Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;
}
