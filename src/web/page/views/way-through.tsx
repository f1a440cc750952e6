import { useEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';
import { useText } from '../parts/page-context.ts';

/** Reads on well before the reader gets there. */
const AHEAD = '1600px 0px';

/** The way back in a long chat: read as one scrolls, or by the button. */
export function OlderMessages({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { hasOlder, past, groups } = conversation;
  const load = () => void conversation.loadOlder();
  const button = useReadAhead(hasOlder, groups[0], load);
  if (!hasOlder) return null;
  const reading = past.reading.has('older');
  return (
    <button ref={button} type="button" class="button ghost small older" disabled={reading} onClick={load}>
      {reading ? t('loading') : t('olderMessages')}
    </button>
  );
}

/** The way on from a message of long ago, until what was said last is reached. */
export function NewerMessages({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const { hasNewer, past, groups } = conversation;
  const load = () => void conversation.loadNewer();
  const button = useReadAhead(hasNewer, groups.at(-1), load);
  if (!hasNewer) return null;
  const reading = past.reading.has('newer');
  return (
    <button ref={button} type="button" class="button ghost small newer" disabled={reading} onClick={load}>
      {reading ? t('loading') : t('newerMessages')}
    </button>
  );
}

/** @param edge what stands beside the button: looked at anew after each page, as one that stays in sight is not told of again */
function useReadAhead(more: boolean, edge: unknown, load: () => void) {
  const button = useRef<HTMLButtonElement>(null);
  const read = useRef(load);
  read.current = load;
  useEffect(() => {
    const element = button.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) read.current();
      },
      { root: element.closest('.scroll'), rootMargin: AHEAD },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, edge]);
  return button;
}
