import { useEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';
import { useText } from '../parts/page-context.ts';

/** Reads on well before the reader gets there. */
const AHEAD = '1600px 0px 0px 0px';

/** The way back in a long chat: read as one scrolls, or by the button. */
export function OlderMessages({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const button = useRef<HTMLButtonElement>(null);
  const { hasOlder, loadingOlder, groups } = conversation;
  const first = groups[0]?.key;
  useEffect(() => {
    const element = button.current;
    if (element === null) return undefined;
    // Observed anew after each page: a button that stays in sight would not be told of again.
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) void conversation.loadOlder();
      },
      { root: element.closest('.scroll'), rootMargin: AHEAD },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [conversation, first, hasOlder]);
  if (!hasOlder) return null;
  return (
    <button
      ref={button}
      type="button"
      class="button ghost small older"
      disabled={loadingOlder}
      onClick={() => void conversation.loadOlder()}
    >
      {loadingOlder ? t('loading') : t('olderMessages')}
    </button>
  );
}
