/** Follows one turn to its end, from whatever place, over however many connections. */
import { followEvents } from '../api/event-stream.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { LiveAnswer } from './live-answer.ts';
import { whenWorthTrying } from './presence.ts';

/** The answer to the message that started the turn: its events are the first connection. */
export interface OpenedStream {
  readonly response: Response;
  readonly abort: () => void;
}

/**
 * @param onFrame hears the name of each event after `live` took it
 * @returns whether the end was seen; false: `signal` aborted, or the gateway has nothing more to tell
 * @throws ApiError when the gateway refuses for good
 */
export async function followTurn(
  live: LiveAnswer,
  options: {
    api: Pick<GatewayApi, 'turnEvents'>;
    first: OpenedStream | null;
    signal: AbortSignal;
    onFrame: (event: string) => void;
  },
): Promise<boolean> {
  const { api, signal, onFrame } = options;
  let first = options.first;
  if (signal.aborted) first?.abort();
  await followEvents({
    open: async (lastEventId, streamSignal) => {
      const opened = first;
      first = null;
      if (opened === null) return api.turnEvents(live.turnId, lastEventId, streamSignal);
      streamSignal.addEventListener('abort', opened.abort, { once: true });
      return opened.response;
    },
    onEvent: (frame) => {
      live.take(frame);
      onFrame(frame.event);
      return live.state.phase === 'ended';
    },
    onConnection: (connection) => live.setConnection(connection),
    after: live.state.lastEventId,
    signal,
    wake: whenWorthTrying,
  });
  return live.state.phase === 'ended';
}
