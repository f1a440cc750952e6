import { useEffect } from 'preact/hooks';
import { pause } from '../api/event-stream.ts';
import { whenWorthTrying } from '../model/presence.ts';
import { errorText } from '../parts/error-text.ts';
import { Wheel } from '../parts/icon.tsx';
import { usePage } from '../parts/page-context.ts';

/** Between two tries, in milliseconds. */
const AGAIN_MS = 3_000;

/** The gateway does not answer: it is asked again until it does. Or it refuses this person, and says why. */
export function Unreachable() {
  const { api, session, translator } = usePage();
  const status = session.error?.status ?? 0;
  const refused = status >= 400 && status < 500;
  useEffect(() => {
    if (refused) return undefined;
    const left = new AbortController();
    void pause(AGAIN_MS, { signal: left.signal, wake: whenWorthTrying }).then(() => {
      if (!left.signal.aborted) void session.start(api);
    });
    return () => left.abort();
  }, [session, api, refused]);
  return (
    <div class="welcome">
      <main class="welcome-card">
        <Wheel />
        <h1>{translator.t(refused ? 'refused' : 'unreachable')}</h1>
        <p class="lead">{session.error === null ? '' : errorText(translator, session.error)}</p>
        <button type="button" class="button" onClick={() => void session.start(api)}>
          {translator.t('tryAgain')}
        </button>
      </main>
    </div>
  );
}
