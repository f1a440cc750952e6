/** What happens until words come, in one line. */
import { useEffect, useState } from 'preact/hooks';
import type { LiveAnswer } from '../model/live-answer.ts';
import { useText } from '../parts/page-context.ts';

/** A warm runtime answers before this; what takes longer is its start and worth a word. Milliseconds. */
const SLOW_MS = 1_200;

export function ProgressLine({ live }: { live: LiveAnswer }) {
  const t = useText();
  const slow = useSlow(live);
  const line = lineOf(live, slow, t);
  if (line === null) return null;
  return (
    <p class="progress">
      <span class="pulse" aria-hidden="true" />
      {line}
    </p>
  );
}

function lineOf(live: LiveAnswer, slow: boolean, t: ReturnType<typeof useText>): string | null {
  if (live.stopping) return t('stopping');
  if (live.connection === 'reconnecting') return t('reconnecting');
  switch (live.state.phase) {
    case 'queued':
      return slow ? t('phase.queued') : t('phase.soon');
    case 'waking':
      return slow ? t('phase.waking') : t('phase.soon');
    case 'thinking':
      return t('phase.thinking');
    case 'working':
      return t('phase.working', { tool: live.state.tool ?? '' });
    default:
      return null;
  }
}

function useSlow(live: LiveAnswer): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), Math.max(0, live.startedAt + SLOW_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [live]);
  return slow;
}
